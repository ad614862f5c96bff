using System.Globalization;
using XInstruct.Activities.Exports;

namespace XInstruct.Activities.Curation;

/// <summary>The statistics as CSV, a file a table.</summary>
internal static class CurationTables
{
    private static readonly string[] Head =
        ["before", "after", "share_before", "share_after", "len_before", "len_after", "ppl_before", "ppl_after", "output_len_before", "output_len_after"];

    public static void Write(string folder, CurationReport report)
    {
        Write("sources.csv", ["group", .. Head], report.Chosen.Sources.Append(report.Chosen.All).Select(Named));
        Write("length-groups.csv", ["len_group", .. Head], report.Chosen.Groups.Select((part, i) => (string[])[Text(i), .. Cells(part)]));
        Write("clusters.csv", ["len_group", "cluster", .. Head], report.Clusters.Select(c => (string[])[Text(c.LenGroup), Text(c.Cluster), .. Cells(c.Rows)]));
        Write("rejected.csv", ["source", "group", "reason", "rows", "first_row"], report.Rejected.Select(r => (string[])[Text(r.Source), r.Group, r.Reason, Text(r.Rows), Text(r.First)]));
        Write("grid.csv", ["cell", "length_groups", "clusters", "method", "share", "inertia", .. Head], report.Grid.Prepend(report.Chosen).Select(c =>
            (string[])[c.Name, Text(c.LengthGroups), Text(c.Clusters), c.Method, Text(c.Share), Text(c.Inertia), .. Cells(c.All)]));

        void Write(string name, string[] head, IEnumerable<string[]> lines) => File.WriteAllText(Path.Combine(folder, name), string.Concat(lines.Prepend(head).Select(CsvWriter.Line)));
    }

    private static string[] Named(PartStatistics part) => [part.Name, .. Cells(part)];

    private static string[] Cells(PartStatistics p) =>
    [
        Text(p.Before), Text(p.After), Text(p.ShareBefore), Text(p.ShareAfter), Text(p.LengthBefore), Text(p.LengthAfter), Text(p.PerplexityBefore), Text(p.PerplexityAfter), Text(p.OutputBefore), Text(p.OutputAfter),
    ];

    private static string Text<T>(T value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
