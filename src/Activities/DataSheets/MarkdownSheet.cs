using System.Globalization;
using System.Text;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.DataSheets;

/// <summary>The data sheet as Markdown. Text of unknown origin is text: no mark-up in it takes effect.</summary>
internal static class MarkdownSheet
{
    public static string Render(DataSheet sheet)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# {Escape(SheetSections.Title(sheet))}\n\nRun `{sheet.Run.Name}`, languages {Escape(string.Join(", ", sheet.Languages.Select(l => l.Language)))}, release.sha256 `{sheet.Run.Release!.Sha256}`.\n");
        Sections(page, SheetSections.Figures(sheet), SheetSections.Of(sheet));
        return page.ToString();
    }

    /// <summary>Figures and sections, without their pictures.</summary>
    public static void Sections(StringBuilder page, IEnumerable<(string Name, string Value)> figures, IReadOnlyList<SheetSection> sections)
    {
        Table(page, new SheetTable([.. figures.Select(f => "#" + f.Name)], [[.. figures.Select(f => f.Value)]]));
        foreach (var section in sections)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {section.Title}\n");
            if (section.Note is { } note) page.Append(CultureInfo.InvariantCulture, $"\n{Escape(note)}\n");
            foreach (var table in section.Tables.Where(t => t.Rows.Count > 0)) Table(page, table);
            foreach (var (caption, text) in section.Listings) Listing(page, caption, text);
        }
    }

    private static void Table(StringBuilder page, SheetTable table)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n| {string.Join(" | ", table.Columns.Select(c => Escape(SheetTable.Head(c))))} |\n|{string.Concat(table.Columns.Select(c => SheetTable.IsNumber(c) ? "---:|" : "---|"))}\n");
        foreach (var row in table.Rows) page.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row.Select(c => SheetTable.IsHash(c) ? $"`{c}`" : Escape(c)))} |\n");
    }

    /// <summary>A fence is longer than any run of its own character in the text.</summary>
    private static void Listing(StringBuilder page, string caption, string text)
    {
        var (longest, run) = (0, 0);
        foreach (var c in text) longest = Math.Max(longest, run = c == '`' ? run + 1 : 0);
        var fence = new string('`', Math.Max(3, longest + 1));
        page.Append(CultureInfo.InvariantCulture, $"\n{Escape(caption)}:\n\n{fence}\n{string.Join('\n', text.Split('\n').Select(DisplayText.Clean))}\n{fence}\n");
    }

    internal static string Escape(string text)
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
