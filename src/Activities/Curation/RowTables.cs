using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Curation;

/// <summary>The two sorts of a curation. Rows that are equal in what is sorted by stay in the order of the sources and their rows.</summary>
internal static class RowTables
{
    /// <summary>Merged rows by length.</summary>
    /// <param name="path">Where the table lies.</param>
    /// <param name="parts">What each source gave.</param>
    /// <param name="dropDuplicates">Whether only the first of rows with the same instruction and output stays.</param>
    public static RowTable Merged(string path, IReadOnlyList<string> parts, bool dropDuplicates) => RowTable.Open(path, lines => Merge(lines, parts, dropDuplicates));

    /// <summary>Rows by length, then perplexity; those without a perplexity where there should be one are left out.</summary>
    /// <param name="path">Where the table lies.</param>
    /// <param name="merged">The merged rows.</param>
    /// <param name="perplexities">That of each merged row; null when they come with the rows or there are none.</param>
    public static RowTable Measured(string path, RowTable merged, IReadOnlyList<double?>? perplexities) => RowTable.Open(path, lines => Measure(lines, merged, perplexities));

    private static IEnumerable<RowEntry> Merge(Stream output, IReadOnlyList<string> parts, bool dropDuplicates)
    {
        var rows = new List<RowEntry>();
        for (var source = 0; source < parts.Count; source++)
        {
            foreach (var (offset, line) in LineFile.Read(parts[source]))
            {
                var read = JsonSerializer.Deserialize<MergeLine>(line.Span, EventJson.Options)!;
                if (read.Problem is not null) continue;
                rows.Add(RowEntry.Of(new MergedRow(read.Instruction!, read.Output!, read.Group!, read.Len, read.Ppl), source, offset, line.Length));
            }
        }

        var order = Order(rows.Count, (a, b) => rows[a].Length.CompareTo(rows[b].Length));
        var seen = new HashSet<ulong>();
        var files = new List<SafeFileHandle>();
        try
        {
            files.AddRange(parts.Select(part => File.OpenHandle(part)));
            var at = 0L;
            foreach (var row in order.Select(i => rows[i]))
            {
                if (dropDuplicates && !seen.Add(row.Pair)) continue;
                output.Write(RowTable.Line(files[row.Source], row));
                output.WriteByte((byte)'\n');
                yield return row with { Offset = at };
                at += row.Bytes + 1;
            }
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }

    private static IEnumerable<RowEntry> Measure(Stream output, RowTable merged, IReadOnlyList<double?>? perplexities)
    {
        var values = perplexities is null ? [.. merged.Rows.Select(row => row.Perplexity)] : perplexities.Select(value => value ?? double.NaN).ToArray();
        var order = Order(merged.Count, (a, b) => merged.Rows[a].Length.CompareTo(merged.Rows[b].Length) is var byLength && byLength != 0 ? byLength : values[a].CompareTo(values[b]));
        var at = 0L;
        foreach (var i in order)
        {
            if (perplexities is not null && perplexities[i] is null) continue;
            var row = merged.Read<MergedRow>(i);
            var line = JsonSerializer.SerializeToUtf8Bytes(new MeasuredRow(row.Len, double.IsNaN(values[i]) ? null : values[i], row.Group, row.Instruction, row.Output), EventJson.Options);
            output.Write(line);
            output.WriteByte((byte)'\n');
            yield return merged.Rows[i] with { Offset = at, Bytes = line.Length, Perplexity = values[i] };
            at += line.Length + 1;
        }
    }

    private static int[] Order(int count, Comparison<int> compare)
    {
        var order = Enumerable.Range(0, count).ToArray();
        Array.Sort(order, (a, b) => compare(a, b) is var c && c != 0 ? c : a.CompareTo(b));
        return order;
    }
}
