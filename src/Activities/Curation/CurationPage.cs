using System.Globalization;
using XInstruct.Activities.Pages;
using static XInstruct.Activities.Pages.PageText;

namespace XInstruct.Activities.Curation;

/// <summary>The report of a curation.</summary>
internal static class CurationPage
{
    private static readonly string[] Head = ["#before", "#after", "#share before", "#share after", "#length before", "#length after", "#perplexity before", "#perplexity after", "#output before", "#output after"];

    public static PageContent Of(CurationReport report, string job) => new(
        "curation",
        report.Name,
        [("job", job), ("sampling", report.Chosen.Name)],
        [
            ("rows read", Count(report.Read)), ("merged", Count(report.Merged)), ("rejected", Count(report.Rejected.Sum(r => r.Rows))), ("sampled from", Count(report.Rows)),
            ("kept", Count(report.Chosen.All.After)), ("share kept", Percent(report.Rows == 0 ? 0 : (double)report.Chosen.All.After / report.Rows)),
        ],
        [.. ((PageSection?[])[Sources(report), Spread(report), Groups(report), Clusters(report), Grid(report), Rejected(report)]).OfType<PageSection>()])
    {
        Script = "curation.js",
        Data = new
        {
            report.Chosen,
            report.Lengths,
            report.Perplexities,
            Clusters = report.Clusters.Select(c => new { Group = c.LenGroup, c.Cluster, c.Rows.Before, c.Rows.After, Length = c.Rows.LengthBefore, Perplexity = c.Rows.PerplexityBefore }),
            Grid = report.Grid.Prepend(report.Chosen).Select(c => new { c.Name, c.LengthGroups, c.Clusters, c.Method, c.Share, c.All.After, Length = c.All.LengthAfter, Perplexity = c.All.PerplexityAfter }),
        },
    };

    private static PageSection Sources(CurationReport report) => new(
        "sources", "By source", "What each source has of all rows, before and after sampling. Lengths are mean code points of the instruction and the output, perplexities medians.")
    {
        Charts = [("sources", "Share of each source before and after sampling")],
        Tables = [new(["source", .. Head], [.. report.Chosen.Sources.Append(report.Chosen.All).Select(p => Row(p.Name, p))])],
    };

    private static PageSection Spread(CurationReport report) => new(
        "spread", "Lengths and perplexities", "Share of the rows in bins of equal ratio. Sampling that keeps the variety of all rows gives two lines that lie on each other.")
    {
        Charts = report.Perplexities is null ? [("lengths", "Lengths of instructions before and after")] : [("lengths", "Lengths of instructions before and after"), ("perplexities", "Perplexities of instructions before and after")],
    };

    private static PageSection Groups(CurationReport report) => new("groups", "By length group", "Groups between quantiles of the length in code points, from the shortest; equal lengths are never parted, so groups may be unequal or empty.")
    {
        Charts = [("groups", "Rows of each length group before and after")],
        Tables = [new(["length group", .. Head], [.. report.Chosen.Groups.Select(p => Row(p.Name, p))])],
    };

    private static PageSection Clusters(CurationReport report) => new(
        "clusters", "By cluster", $"{Count(report.Clusters.Count)} clusters; a circle is as large as its cluster. Inertia {report.Chosen.Inertia.ToString("N1", CultureInfo.InvariantCulture)}.")
    {
        Charts = [("clusters", report.Perplexities is null ? "Clusters by length and rows" : "Clusters by length and perplexity")],
        Tables = [new(["cluster", .. Head], [.. report.Clusters.Select(c => Row(c.Rows.Name, c.Rows))])],
    };

    private static PageSection? Grid(CurationReport report) => report.Grid.Count == 0 ? null : new(
        "grid", "Grid", "Every combination, from the same perplexities and vectors; the first is the recipe's own.")
    {
        Charts = [("grid", "Rows that each combination keeps, and their perplexity")],
        Tables =
        [
            new(["combination", "#length groups", "#clusters", "method", "#share", "#kept", "#length", "#perplexity", "#output", "#inertia"], [.. report.Grid.Prepend(report.Chosen).Select(c => (IReadOnlyList<string>)
                [c.Name, Count(c.LengthGroups), Count(c.Clusters), c.Method, c.Share.ToString(CultureInfo.InvariantCulture), Count(c.All.After), F(c.All.LengthAfter), F(c.All.PerplexityAfter), F(c.All.OutputAfter), F(c.Inertia)])]),
        ],
    };

    private static PageSection Rejected(CurationReport report) => new(
        "rejected", "Rows that were not sampled from", $"Rejected rows by source and reason; rejected.jsonl names each. Of the merged rows {Count(report.Duplicates)} repeat an earlier one, and {Count(report.RepeatedInstructions)} an earlier instruction.")
    {
        Tables = [new(["source", "reason", "#rows", "#first row"], [.. report.Rejected.Select(r => (IReadOnlyList<string>)[r.Group, r.Reason, Count(r.Rows), r.First is { } first ? Count(first) : ""])])],
    };

    private static IReadOnlyList<string> Row(string name, PartStatistics p) =>
        [name, Count(p.Before), Count(p.After), Percent(p.ShareBefore), Percent(p.ShareAfter), F(p.LengthBefore), F(p.LengthAfter), F(p.PerplexityBefore), F(p.PerplexityAfter), F(p.OutputBefore), F(p.OutputAfter)];

    private static string F(double? number) => number?.ToString("N1", CultureInfo.InvariantCulture) ?? "";
}
