using System.Globalization;
using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Pages;

/// <summary>
/// A report as one HTML page that needs nothing else. Its policy allows the scripts and the style in it by their hashes and nothing from anywhere;
/// all text is encoded, and pictures get theirs as JSON that is never run.
/// </summary>
internal static partial class HtmlPage
{
    private static readonly string? Library = Resource("echarts.min.js") is { } js ? EndOfScript().Replace(js, "\\x3c") : null;

    /// <summary>True when the chart library was there at the build.</summary>
    public static bool HasCharts => Library is not null;

    /// <summary>The page.</summary>
    /// <exception cref="ArgumentException">A section has an id that the page itself uses.</exception>
    public static string Render(PageContent content)
    {
        if (content.Sections.FirstOrDefault(s => s.Id is "data" or "theme") is { } taken) throw new ArgumentException($"The id '{taken.Id}' is the page's own.", nameof(content));
        var (common, script, style) = (Resource("page.js")!, content.Script is { } name ? Resource(name)! : "page.start({ drawings: {} });", Resource("page.css")! + content.Style.ReplaceLineEndings("\n"));
        // It is large: only where something is drawn by it.
        var library = content.Script is null ? "" : Library ?? "";
        var policy = $"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src {Hash(style)}; script-src {Hash(library)} {Hash(common)} {Hash(script)}";
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["policy"] = policy,
            ["title"] = Encode(content.Title),
            ["style"] = style,
            ["body"] = Body(content),
            // The default encoder writes <, > and & as escapes: the text cannot end its element.
            ["data"] = JsonSerializer.Serialize(content.Data, JsonSerializerOptions.Web),
            ["library"] = library,
            ["common"] = common,
            ["script"] = script,
        };
        return Slot().Replace(Resource("page.html")!, m => values[m.Groups["name"].Value]);
    }

    private static string Body(PageContent content)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<header><p class=\"kind\">{Encode(content.Kind)}</p><h1>{Encode(content.Title)}</h1>");
        foreach (var (name, value) in content.Facts) page.Append(CultureInfo.InvariantCulture, $"<p>{Encode(name)} <code>{Encode(value)}</code></p>");
        if (content.Lead is { } lead) page.Append(CultureInfo.InvariantCulture, $"<p>{Encode(lead)}</p>");
        page.Append("<button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n<dl class=\"figures\">");
        foreach (var (name, value) in content.Figures) page.Append(CultureInfo.InvariantCulture, $"<div><dt>{Encode(name)}</dt><dd>{Encode(value)}</dd></div>");
        page.Append("</dl>\n<nav>").AppendJoin("", content.Sections.Select(s => $"<a href=\"#{s.Id}\">{Encode(s.Title)}</a>")).Append("</nav>\n<main>\n");
        foreach (var section in content.Sections) Section(page, section);
        return page.Append("</main>").ToString();
    }

    private static void Section(StringBuilder page, PageSection section)
    {
        page.Append(CultureInfo.InvariantCulture, $"<section id=\"{section.Id}\"><h2>{Encode(section.Title)}</h2>");
        if (section.Note is { } note) page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Encode(note)}</p>");
        foreach (var (name, label) in HasCharts ? section.Charts : [])
        {
            page.Append(CultureInfo.InvariantCulture, $"<div class=\"chart\"><div class=\"choice\"></div><div class=\"canvas\" data-chart=\"{name}\" role=\"img\" aria-label=\"{Encode(label)}\"></div></div>");
        }

        foreach (var (label, svg) in section.Pictures) page.Append(CultureInfo.InvariantCulture, $"<figure class=\"picture\"><figcaption>{Encode(label)}</figcaption>{svg}</figure>");
        foreach (var table in section.Tables.Where(t => t.Rows.Count > 0)) Table(page, table, isFolded: ((section.Charts.Count > 0 && HasCharts) || table.IsLong) && table.Rows.Count > 12);
        foreach (var (caption, text) in section.Listings)
        {
            page.Append(CultureInfo.InvariantCulture, $"<figure><figcaption>{Encode(caption)}</figcaption><pre>{string.Join('\n', text.Split('\n').Select(Encode))}</pre></figure>");
        }

        page.Append("</section>\n");
    }

    private static void Table(StringBuilder page, PageTable table, bool isFolded)
    {
        if (isFolded) page.Append(CultureInfo.InvariantCulture, $"<details><summary>Table of {table.Rows.Count} rows</summary>");
        page.Append("<div class=\"table\"><table><thead><tr>");
        foreach (var column in table.Columns) page.Append(CultureInfo.InvariantCulture, $"<th{Class(column)}>{Encode(PageTable.Head(column))}</th>");
        page.Append("</tr></thead><tbody>");
        foreach (var row in table.Rows)
        {
            page.Append("<tr>");
            foreach (var (column, cell) in table.Columns.Zip(row)) page.Append(CultureInfo.InvariantCulture, $"<td{Class(column)}>{(PageTable.IsHash(cell) ? $"<code>{cell}</code>" : $"<bdi>{Encode(cell)}</bdi>")}</td>");
            page.Append("</tr>");
        }

        page.Append(isFolded ? "</tbody></table></div></details>" : "</tbody></table></div>");
    }

    private static string Class(string column) => PageTable.IsNumber(column) ? " class=\"n\"" : "";

    /// <summary>Text of unknown origin as text.</summary>
    internal static string Encode(string text) => WebUtility.HtmlEncode(DisplayText.Clean(text));

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string? Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("page." + name);
        if (stream is null) return null;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        // A browser reads CR LF as LF, and hashes what it reads.
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    [GeneratedRegex(@"\{\{(?<name>[a-z]+)\}\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Slot();

    [GeneratedRegex("<(?=/script|!--)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 5000)]
    private static partial Regex EndOfScript();
}
