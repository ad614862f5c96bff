using System.Text;
using System.Text.Json;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Pages;
using XInstruct.Activities.Releases;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Curation;

/// <summary>Writes what a curation's user gets.</summary>
internal sealed class CurationResults(JobContext<CurationRecipe> job, RowTable merged, RowTable rows)
{
    private readonly RowStatistics _statistics = new(rows.Rows);

    public async Task WriteAsync(string folder, CancellationToken ct)
    {
        var cells = CurationGroups.Cells(job.Recipe);
        var (labels, kept) = (new int[rows.Count], (IReadOnlyList<int>)[]);
        var statistics = new List<CellStatistics>();
        for (var i = 0; i < cells.Count; i++)
        {
            var (cellLabels, inertia) = await CurationKind.LabelsAsync(job, rows, cells[i].LengthGroups, cells[i].Clusters, ct);
            var cellKept = await KeptAsync(i, ct);
            statistics.Add(Cell(cells[i], inertia, cellKept));
            var path = i == 0 ? Path.Combine(folder, "sample.jsonl") : Path.Combine(folder, "grid", $"{cells[i].Name}.jsonl");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            WriteClustered(path, cellKept, cells[i], cellLabels);
            if (i == 0) (labels, kept) = (cellLabels, cellKept);
        }

        Export(folder, kept);
        if (job.Recipe.WriteStages) WriteStages(folder, cells[0], labels);
        var (read, rejected) = await RejectedAsync(Path.Combine(folder, "rejected.jsonl"), ct);
        var bins = Math.Clamp((int)Math.Sqrt(kept.Count) * 2, 8, 40);
        var report = new CurationReport(
            job.Recipe.Name,
            read,
            merged.Count,
            rejected,
            merged.Count - merged.Rows.Select(row => row.Pair).Distinct().LongCount(),
            merged.Count - merged.Rows.Select(row => row.Instruction).Distinct().LongCount(),
            rows.Count,
            statistics[0],
            [.. statistics.Skip(1)],
            Clusters(cells[0], labels, kept),
            // Lengths are whole numbers: a bin narrower than some of them would look like a gap.
            _statistics.Of(row => row.Length, kept, Math.Clamp((rows.Rows[^1].Length - rows.Rows[0].Length) / 3, 4, bins)),
            _statistics.Of(row => row.Perplexity, kept, bins));
        await File.WriteAllBytesAsync(Path.Combine(folder, "statistics.json"), JsonSerializer.SerializeToUtf8Bytes(report, EventJson.Indented), ct);
        var page = CurationPage.Of(report, job.Id);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.md"), MarkdownPage.Render(page), ct);
        CurationTables.Write(folder, report);
    }

    private async Task<IReadOnlyList<int>> KeptAsync(int cell, CancellationToken ct)
    {
        var kept = new List<int>();
        await foreach (var line in job.ReadPartAsync<SampleLine>(CurationKind.Samples, cell, ct)) kept.AddRange(line.Rows);
        return kept;
    }

    private CellStatistics Cell(CurationCell cell, double inertia, IReadOnlyList<int> kept)
    {
        var groups = job.Recipe.Sources.Select(source => source.Group).Distinct(StringComparer.Ordinal).ToList();
        int[] group = [.. job.Recipe.Sources.Select(source => groups.IndexOf(source.Group))];
        var ranges = CurationGroups.Ranges(rows, cell.LengthGroups);
        return new CellStatistics(
            cell.Name,
            cell.LengthGroups,
            cell.Clusters,
            cell.MethodName,
            cell.Share,
            Math.Round(inertia, 4),
            _statistics.Of("all", [.. Enumerable.Range(0, rows.Count)], kept, kept.Count),
            _statistics.By(row => group[rows.Rows[row].Source], groups, kept),
            _statistics.By(GroupOf(ranges), [.. ranges.Select(range => FormattableString.Invariant($"{range.Group}, from {range.Shortest:0.##}"))], kept));
    }

    private List<ClusterStatistics> Clusters(CurationCell cell, int[] labels, IReadOnlyList<int> kept)
    {
        var groupOf = GroupOf(CurationGroups.Ranges(rows, cell.LengthGroups));
        var names = Enumerable.Range(0, cell.LengthGroups * cell.Clusters).Select(i => FormattableString.Invariant($"{i / cell.Clusters}/{i % cell.Clusters}")).ToList();
        return [.. _statistics.By(row => (groupOf(row) * cell.Clusters) + labels[row], names, kept).Select((part, i) => new ClusterStatistics(i / cell.Clusters, i % cell.Clusters, part)).Where(c => c.Rows.Before > 0)];
    }

    private static Func<int, int> GroupOf(IReadOnlyList<GroupRange> ranges)
    {
        // Ranges follow each other, and an empty one begins where the next one does.
        var firsts = ranges.Select(range => range.First).ToArray();
        return row => Array.FindLastIndex(firsts, first => first <= row);
    }

    private void WriteClustered(string path, IReadOnlyList<int> kept, CurationCell cell, int[] labels)
    {
        var groupOf = GroupOf(CurationGroups.Ranges(rows, cell.LengthGroups));
        using var output = NewFile(path);
        foreach (var row in kept)
        {
            var line = rows.Line(row);
            output.Write(line.AsSpan(0, line.Length - 1));
            output.Write(Encoding.UTF8.GetBytes(FormattableString.Invariant($",\"len_group\":{groupOf(row)},\"cluster\":{labels[row]}}}\n")));
        }
    }

    private void Export(string folder, IReadOnlyList<int> kept)
    {
        // The same rows in no particular order of perplexity: the order in which they are in the table.
        int[] order = [.. kept.Order()];
        using (var output = NewFile(Path.Combine(folder, "sft.jsonl")))
        {
            foreach (var row in order.Select(rows.Read<MeasuredRow>))
            {
                output.Write(JsonSerializer.SerializeToUtf8Bytes(new { row.Instruction, row.Output }, EventJson.Options));
                output.WriteByte((byte)'\n');
            }
        }

        foreach (var format in job.Recipe.Formats.Distinct(StringComparer.Ordinal).Select(name => ExportFormat.Find(name)!))
        {
            using var output = NewFile(Path.Combine(folder, $"sft-{format.Name}{format.Extension}"));
            var writer = format.Open(output);
            foreach (var row in order.Select(rows.Read<MeasuredRow>)) writer.Write(new ReleaseRow(row.Instruction, row.Output, "", Guid.Empty, 0, 0, 0, 0, Guid.Empty, 0));
            writer.End();
        }
    }

    private void WriteStages(string folder, CurationCell cell, int[] labels)
    {
        var stages = Path.Combine(folder, "stages");
        Directory.CreateDirectory(stages);
        Copy(merged, Path.Combine(stages, "1-merged.jsonl"));
        Copy(rows, Path.Combine(stages, "2-perplexity.jsonl"));
        var clustered = CurationGroups.Ranges(rows, cell.LengthGroups).SelectMany(range => Enumerable.Range(range.First, range.Count)
            .OrderBy(row => labels[row]).ThenBy(row => rows.Rows[row].Perplexity).ThenBy(row => rows.Rows[row].Length).ThenBy(row => row));
        WriteClustered(Path.Combine(stages, "3-clusters.jsonl"), [.. clustered], cell, labels);
    }

    private static void Copy(RowTable table, string path)
    {
        using var output = NewFile(path);
        for (var row = 0; row < table.Count; row++)
        {
            output.Write(table.Line(row));
            output.WriteByte((byte)'\n');
        }
    }

    private async Task<(long Read, IReadOnlyList<RejectionCount> Rejected)> RejectedAsync(string path, CancellationToken ct)
    {
        var (read, counts) = (0L, new SortedDictionary<(int Source, string Reason), (long Rows, long? First)>());
        await using var output = NewFile(path);
        var sources = await CurationKind.PathsAsync(job, CurationKind.Merge, ct);
        for (var source = 0; source < sources.Count; source++)
        {
            foreach (var (_, line) in LineFile.Read(sources[source]))
            {
                read++;
                // Rejected rows are the only lines that begin with their number.
                if (!line.Span.StartsWith("{\"row\":"u8)) continue;
                var row = JsonSerializer.Deserialize<RejectedRow>(line.Span, EventJson.Options)!;
                Count(source, row.Problem, row.Row);
                await Tell(new { Source = source, job.Recipe.Sources[source].Group, row.Row, Reason = row.Problem });
            }
        }

        if (job.Recipe.DropDuplicates) await CountDroppedAsync(sources, Count, ct);
        if (job.Recipe.Perplexity.Model is not null) await CountUnmeasuredAsync(Count, Tell, ct);
        return (read, [.. counts.Select(c => new RejectionCount(c.Key.Source, job.Recipe.Sources[c.Key.Source].Group, c.Key.Reason, c.Value.Rows, c.Value.First))]);

        void Count(int source, string reason, long? row)
        {
            var known = counts.TryGetValue((source, reason), out var before) ? before : (0, row);
            counts[(source, reason)] = (known.Rows + 1, known.First);
        }

        async Task Tell<T>(T rejected)
        {
            await output.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(rejected, EventJson.Options), ct);
            output.WriteByte((byte)'\n');
        }
    }

    private Task CountDroppedAsync(IReadOnlyList<string> sources, Action<int, string, long?> count, CancellationToken ct)
    {
        for (var source = 0; source < sources.Count; source++)
        {
            ct.ThrowIfCancellationRequested();
            var given = LineFile.Read(sources[source]).Count(line => !line.Line.Span.StartsWith("{\"row\":"u8));
            for (var dropped = given - merged.Rows.Count(row => row.Source == source); dropped > 0; dropped--) count(source, "duplicate", null);
        }

        return Task.CompletedTask;
    }

    private async Task CountUnmeasuredAsync(Action<int, string, long?> count, Func<object, Task> tell, CancellationToken ct)
    {
        var at = 0;
        await foreach (var line in job.ReadAsync<PerplexityLine>(CurationKind.Perplexity, ct))
        {
            var row = at++;
            if (line.Problem is not { } reason) continue;
            var source = merged.Rows[row].Source;
            count(source, reason, null);
            await tell(new { Source = source, job.Recipe.Sources[source].Group, merged.Read<MergedRow>(row).Instruction, Reason = reason });
        }
    }

    private static FileStream NewFile(string path) => new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
}
