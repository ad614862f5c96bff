using System.Globalization;
using System.Text;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Pages;

/// <summary>A report as Markdown. Text of unknown origin is text: no mark-up in it takes effect.</summary>
internal static class MarkdownPage
{
    public static string Render(PageContent content)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# {Escape(content.Title)}\n\n{string.Join(", ", content.Facts.Select(f => $"{Escape(f.Name)} `{DisplayText.Clean(f.Value).Replace('`', '\'')}`"))}.\n");
        if (content.Lead is { } lead) page.Append(CultureInfo.InvariantCulture, $"\n{Escape(lead)}\n");
        Table(page, new PageTable([.. content.Figures.Select(f => "#" + f.Name)], [[.. content.Figures.Select(f => f.Value)]]));
        foreach (var section in content.Sections)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {section.Title}\n");
            if (section.Note is { } note) page.Append(CultureInfo.InvariantCulture, $"\n{Escape(note)}\n");
            foreach (var table in section.Tables.Where(t => t.Rows.Count > 0)) Table(page, table);
            foreach (var (caption, text) in section.Listings) Listing(page, caption, text);
        }

        return page.ToString();
    }

    private static void Table(StringBuilder page, PageTable table)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n| {string.Join(" | ", table.Columns.Select(c => Escape(PageTable.Head(c))))} |\n|{string.Concat(table.Columns.Select(c => PageTable.IsNumber(c) ? "---:|" : "---|"))}\n");
        foreach (var row in table.Rows) page.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row.Select(c => PageTable.IsHash(c) ? $"`{c}`" : Escape(c)))} |\n");
    }

    /// <summary>A fence is longer than any run of its own character in the text.</summary>
    private static void Listing(StringBuilder page, string caption, string text)
    {
        var (longest, run) = (0, 0);
        foreach (var c in text) longest = Math.Max(longest, run = c == '`' ? run + 1 : 0);
        var fence = new string('`', Math.Max(3, longest + 1));
        page.Append(CultureInfo.InvariantCulture, $"\n{Escape(caption)}:\n\n{fence}\n{string.Join('\n', text.Split('\n').Select(DisplayText.Clean))}\n{fence}\n");
    }

    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in DisplayText.Clean(text))
        {
            if (c is '<') escaped.Append("&lt;");
            else if (c is '&') escaped.Append("&amp;");
            else if (@"\`*_{}[]|#>!~$".Contains(c, StringComparison.Ordinal)) escaped.Append('\\').Append(c);
            else escaped.Append(c);
        }

        return escaped.ToString();
    }
}
