using System.Globalization;
using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.DataSheets;

/// <summary>
/// The data sheet as one HTML page that needs nothing else. Its policy allows the scripts and the style in it by their hashes and nothing from anywhere;
/// all text is encoded, and pictures get theirs as JSON that is never run.
/// </summary>
internal static partial class HtmlSheet
{
    private static readonly string? Library = Resource("echarts.min.js") is { } js ? EndOfScript().Replace(js, "\\x3c") : null;

    /// <summary>True when the chart library was there at the build.</summary>
    public static bool HasCharts => Library is not null;

    public static string Render(DataSheet sheet) => Page(SheetSections.Title(sheet), Body(sheet), ChartData.Of(sheet), Library ?? "", "");

    /// <summary>A page in the same style without charts: what it shows is drawn already.</summary>
    /// <param name="title">Title.</param>
    /// <param name="header">The encoded inside of its header.</param>
    /// <param name="figures">Names and values at its top.</param>
    /// <param name="sections">What it has.</param>
    /// <param name="style">Further rules.</param>
    public static string Render(string title, string header, IEnumerable<(string Name, string Value)> figures, IReadOnlyList<SheetSection> sections, string style)
    {
        var page = new StringBuilder().Append(CultureInfo.InvariantCulture, $"<header>{header}<button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n");
        Sections(page, figures, sections);
        return Page(title, page.ToString(), new ChartData([], [], [], null, [], [], []), "", style);
    }

    private static string Page(string title, string body, ChartData data, string library, string rules)
    {
        var (script, style) = (Resource("sheet.js")!, Resource("sheet.css")! + rules.ReplaceLineEndings("\n"));
        var policy = $"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src {Hash(style)}; script-src {Hash(library)} {Hash(script)}";
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["policy"] = policy,
            ["title"] = Encode(title),
            ["style"] = style,
            ["body"] = body,
            // The default encoder writes <, > and & as escapes: the text cannot end its element.
            ["data"] = JsonSerializer.Serialize(data, JsonSerializerOptions.Web),
            ["library"] = library,
            ["script"] = script,
        };
        return Slot().Replace(Resource("sheet.html")!, m => values[m.Groups["name"].Value]);
    }

    private static string Body(DataSheet sheet)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"<header><p class=\"kind\">data sheet</p><h1>{Encode(SheetSections.Title(sheet))}</h1><p>Run <code>{Encode(sheet.Run.Name)}</code> · {Encode(string.Join(", ", sheet.Languages.Select(l => l.Language)))}</p>");
        page.Append(CultureInfo.InvariantCulture, $"<p class=\"hash\">release.sha256 <code>{sheet.Run.Release!.Sha256}</code></p><button id=\"theme\" type=\"button\" hidden>Dark</button></header>\n");
        Sections(page, SheetSections.Figures(sheet), SheetSections.Of(sheet));
        return page.ToString();
    }

    private static void Sections(StringBuilder page, IEnumerable<(string Name, string Value)> figures, IReadOnlyList<SheetSection> sections)
    {
        page.Append("<dl class=\"figures\">");
        foreach (var (name, value) in figures) page.Append(CultureInfo.InvariantCulture, $"<div><dt>{Encode(name)}</dt><dd>{Encode(value)}</dd></div>");
        page.Append("</dl>\n<nav>").AppendJoin("", sections.Select(s => $"<a href=\"#{s.Id}\">{Encode(s.Title)}</a>")).Append("</nav>\n<main>\n");
        foreach (var section in sections) Section(page, section);
        page.Append("</main>");
    }

    private static void Section(StringBuilder page, SheetSection section)
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

    private static void Table(StringBuilder page, SheetTable table, bool isFolded)
    {
        if (isFolded) page.Append(CultureInfo.InvariantCulture, $"<details><summary>Table of {table.Rows.Count} rows</summary>");
        page.Append("<div class=\"table\"><table><thead><tr>");
        foreach (var column in table.Columns) page.Append(CultureInfo.InvariantCulture, $"<th{Class(column)}>{Encode(SheetTable.Head(column))}</th>");
        page.Append("</tr></thead><tbody>");
        foreach (var row in table.Rows)
        {
            page.Append("<tr>");
            foreach (var (column, cell) in table.Columns.Zip(row)) page.Append(CultureInfo.InvariantCulture, $"<td{Class(column)}>{(SheetTable.IsHash(cell) ? $"<code>{cell}</code>" : $"<bdi>{Encode(cell)}</bdi>")}</td>");
            page.Append("</tr>");
        }

        page.Append(isFolded ? "</tbody></table></div></details>" : "</tbody></table></div>");
    }

    private static string Class(string column) => SheetTable.IsNumber(column) ? " class=\"n\"" : "";

    /// <summary>Text of unknown origin as text.</summary>
    internal static string Encode(string text) => WebUtility.HtmlEncode(DisplayText.Clean(text));

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";

    private static string? Resource(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("datasheet." + name);
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
