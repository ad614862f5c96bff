using System.Globalization;
using System.Text;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>card.md: the card for people.</summary>
internal static class BuildCardPage
{
    /// <summary>The page.</summary>
    public static string Markdown(BuildCard card)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"# {card.Name}\n\n{card.Kind}, seed {card.Seed}; registries: {string.Join(", ", card.Registries)}.\n");
        if (card.HeldOut.Count > 0) page.Append(CultureInfo.InvariantCulture, $"\nHeld out: {string.Join(", ", card.HeldOut)}.\n");
        foreach (var file in card.Files)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {(file.Mix.Length > 0 ? $"{file.Mix}, " : "")}{file.Split.ToString().ToLowerInvariant()}: {file.Rows} rows\n");
            Table(page, ["data set", "cluster", "language", "licence", "#rows", "templates"], file.Datasets.Select(d => new[] { d.Dataset, d.Cluster, d.Lang, d.Licence, Number(d.Rows), string.Join(", ", d.Templates.Select(t => $"{(t.Key.Length > 0 ? t.Key : "as it was")}: {t.Value}")) }));
            Table(page, ["licence", "#rows"], file.Licences.Select(l => new[] { l.Key, Number(l.Value) }));
        }

        page.Append("\n## Read\n");
        Table(page, ["source", "data set", "for", "#rows"], card.Sources.Select(s => new[] { s.Source, s.Dataset, s.Split.ToString().ToLowerInvariant(), Number(s.Rows) }));
        page.Append("\n## Left out\n");
        if (card.LeftOut.Count == 0) page.Append("\nNothing.\n");
        Table(page, ["source", "data set", "licence", "for", "reason", "#rows"], card.LeftOut.Select(l => new[] { l.Source, l.Dataset ?? "?", l.Licence ?? "?", l.Split.ToString().ToLowerInvariant(), l.Reason, Number(l.Rows) }));
        if (card.Overlaps is not { } overlaps) return page.ToString();
        page.Append(CultureInfo.InvariantCulture, $"\n## Evaluation sets\n\n{(card.OverlapAction == OverlapAction.Drop ? "Rows that are in them were left out" : "Rows that are in them were left in")}; overlaps.csv has every pair.\n");
        Table(page, ["evaluation set", "#rows", "#unreadable", "#too short to find", "#found", "#pairs"], overlaps.Select(o => new[] { o.Against, Number(o.Rows), Number(o.Unreadable), Number(o.TooShort), Number(o.Found), Number(o.Pairs) }));
        return page.ToString();
    }

    private static void Table(StringBuilder page, string[] columns, IEnumerable<string[]> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0) return;
        page.Append(CultureInfo.InvariantCulture, $"\n| {string.Join(" | ", columns.Select(c => c.TrimStart('#')))} |\n|{string.Concat(columns.Select(c => c[0] == '#' ? "---:|" : "---|"))}\n");
        foreach (var row in all) page.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", row.Select(Escape))} |\n");
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Escape(string text) => string.Concat(Domain.Texts.DisplayText.Clean(text).Select(c => c is '|' or '\\' or '`' or '*' or '<' or '[' ? $"\\{c}" : c.ToString()));
}
