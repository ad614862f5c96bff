using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Pages;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>Writes what a build gives: a folder for each mix, or the files themselves, and beside them the card and what was left out.</summary>
internal sealed class BuildResults(JobContext<BuildRecipe> job)
{
    private readonly BuildRecipe _recipe = job.Recipe;
    private readonly Dictionary<(string Mix, DataSplit Split), SplitTally> _tallies = [];
    private readonly Dictionary<(string Source, string? Dataset, DataSplit Split, string Reason), long> _leftOut = [];
    private readonly List<BuildCount> _read = [];
    private readonly List<CutFile> _cut = [];

    /// <summary>Writes the folder.</summary>
    public async Task WriteAsync(string folder, CancellationToken ct)
    {
        var overlaps = _recipe.Decontaminate is null ? null : await OverlapsAsync(folder, ct);
        var repeats = _recipe.SemanticDedup is null ? [] : await job.ReadAsync<BuildDuplicate>(BuildKind.Duplicates, ct).ToDictionaryAsync(d => d.Item, null, ct);
        if (_recipe.SemanticDedup is not null) await RepeatsAsync(folder, repeats, ct);
        await RowsAsync(folder, await BuildKind.OverlappingAsync(job, ct), repeats, ct);
        await DropsAsync(folder, ct);
        var catalogue = BuildKind.Catalogue(job);
        var card = new BuildCard(
            _recipe.Name,
            _recipe.Mix is not null ? "mix" : _recipe.Multitask is not null ? "multitask" : "questionTranslation",
            _recipe.Seed,
            [.. _recipe.ShippedRegistries().Select(name => TaskRegistryFiles.Hash(job, name) is { } hash ? $"{name} {hash}" : name), .. _recipe.RegistryFiles.Select((_, i) => $"registryFiles.{i} {job.Hash($"registryFiles.{i}")}")],
            _recipe.Mix?.HoldOut ?? [],
            _read,
            [.. _tallies.OrderBy(t => t.Key.Mix, StringComparer.Ordinal).ThenBy(t => t.Key.Split).Select(t => t.Value.Count(t.Key.Mix, t.Key.Split))],
            [.. _leftOut.OrderBy(l => l.Key.Source, StringComparer.Ordinal).ThenBy(l => l.Key.Dataset, StringComparer.Ordinal).ThenBy(l => l.Key.Split).ThenBy(l => l.Key.Reason, StringComparer.Ordinal)
                .Select(l => new LeftOut(l.Key.Source, l.Key.Dataset, l.Key.Dataset is { } name ? catalogue.Find(name)?.Licence.Name : null, l.Key.Split, l.Key.Reason, l.Value))],
            overlaps,
            _recipe.Decontaminate?.Action,
            _recipe.SemanticDedup?.Threshold,
            _cut.Count > 0 ? _cut : null);
        await File.WriteAllBytesAsync(Path.Combine(folder, "card.json"), JsonSerializer.SerializeToUtf8Bytes(card, EventJson.Indented), ct);
        var page = BuildPage.Of(card, job.Id);
        await File.WriteAllTextAsync(Path.Combine(folder, "card.md"), MarkdownPage.Render(page), ct);
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), HtmlPage.Render(page), ct);
    }

    private async Task RowsAsync(string folder, HashSet<int> overlapping, Dictionary<int, BuildDuplicate> repeats, CancellationToken ct)
    {
        var files = new Dictionary<string, RowFile>(StringComparer.Ordinal);
        try
        {
            await foreach (var (item, row) in BuildKind.RowsAsync(job, ct))
            {
                if (overlapping.Contains(item) || repeats.ContainsKey(item))
                {
                    LeaveOut(row.Source, row.Dataset, row.Split, overlapping.Contains(item) ? "in-evaluation-set" : "means-the-same", 1);
                    continue;
                }

                if (!_tallies.TryGetValue((row.Mix, row.Split), out var tally)) _tallies[(row.Mix, row.Split)] = tally = new SplitTally();
                tally.Add(row);
                foreach (var path in RowFile.Paths(_recipe, row))
                {
                    if (!files.TryGetValue(path, out var file)) files[path] = file = RowFile.Of(Path.Combine(folder, path), _recipe);
                    file.Write(row);
                }
            }

            foreach (var file in files.Values) file.End();
        }
        finally
        {
            foreach (var file in files.Values) file.Dispose();
        }
    }

    private async Task DropsAsync(string folder, CancellationToken ct)
    {
        await using var drops = new FileStream(Path.Combine(folder, "drops.jsonl"), FileMode.CreateNew);
        foreach (var stage in new[] { BuildKind.Read, BuildKind.Gather })
        {
            await foreach (var line in job.ReadAsync<BuildLine>(stage, ct))
            {
                if (line.Count is { } count)
                {
                    if (count.Reason == "read") _read.Add(count);
                    else LeaveOut(count.Source, count.Dataset, count.Split, count.Reason, count.Rows);
                }

                if (line.Drop is not { } drop) continue;
                if (drop.Reason == TableRow.Truncated) _cut.Add(new CutFile(drop.Source, drop.Row));
                LeaveOut(drop.Source, drop.Dataset, drop.Split, drop.Reason, 1);
                await drops.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(drop, EventJson.Options), ct);
                drops.WriteByte((byte)'\n');
            }
        }
    }

    /// <summary>duplicates.csv: each row that was left out and the earlier one that it means the same as.</summary>
    private async Task RepeatsAsync(string folder, Dictionary<int, BuildDuplicate> repeats, CancellationToken ct)
    {
        var named = new HashSet<int>(repeats.Values.SelectMany(repeat => new[] { repeat.Item, repeat.Of }));
        var rows = new Dictionary<int, BuildRow>();
        await using var table = new StreamWriter(Path.Combine(folder, "duplicates.csv"), false, new UTF8Encoding(false));
        await table.WriteAsync(CsvWriter.Line(["mix", "source", "row", "dataset", "id", "of_source", "of_row", "of_id", "cosine"]));
        await foreach (var (item, row) in BuildKind.RowsAsync(job, ct))
        {
            if (named.Contains(item)) rows[item] = row with { Input = "", Output = "", Choices = null };
            if (!repeats.TryGetValue(item, out var repeat)) continue;
            var first = rows[repeat.Of];
            await table.WriteAsync(CsvWriter.Line([row.Mix, row.Source, Text(row.Row), row.Dataset, row.Id, first.Source, Text(first.Row), first.Id, repeat.Cosine.ToString("F4", CultureInfo.InvariantCulture)]));
        }
    }

    private async Task<IReadOnlyList<OverlapCount>> OverlapsAsync(string folder, CancellationToken ct)
    {
        var (pairs, found) = (new Dictionary<string, long>(StringComparer.Ordinal), new HashSet<(string, long)>());
        await using var table = new StreamWriter(Path.Combine(folder, "overlaps.csv"), false, new UTF8Encoding(false));
        await table.WriteAsync(CsvWriter.Line(["mix", "source", "row", "dataset", "id", "against", "against_row", "shared", "of", "share"]));
        await using var overlaps = job.ReadAsync<BuildOverlap>(BuildKind.Overlaps, ct).GetAsyncEnumerator(ct);
        var more = await overlaps.MoveNextAsync();
        await foreach (var (item, row) in BuildKind.RowsAsync(job, ct))
        {
            for (; more && overlaps.Current.Item == item; more = await overlaps.MoveNextAsync())
            {
                var overlap = overlaps.Current;
                found.Add((overlap.Against, overlap.Row));
                pairs[overlap.Against] = pairs.GetValueOrDefault(overlap.Against) + 1;
                await table.WriteAsync(CsvWriter.Line(
                    [row.Mix, row.Source, Text(row.Row), row.Dataset, row.Id, overlap.Against, Text(overlap.Row), Text(overlap.Shared), Text(overlap.Of), ((double)overlap.Shared / overlap.Of).ToString("F3", CultureInfo.InvariantCulture)]));
            }
        }

        var finder = await OverlapFinder.OpenAsync(job, ct);
        return [.. finder.Counts.Select(c => new OverlapCount(c.Against, c.Rows, c.Unreadable, c.TooShort, found.Count(f => f.Item1 == c.Against), pairs.GetValueOrDefault(c.Against)))];
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private void LeaveOut(string source, string? dataset, DataSplit split, string reason, long rows) =>
        _leftOut[(source, dataset, split, reason)] = _leftOut.GetValueOrDefault((source, dataset, split, reason)) + rows;
}

/// <summary>Counts the rows of a file.</summary>
internal sealed class SplitTally
{
    private readonly Dictionary<(string Dataset, string Cluster, string Lang, string Licence), SortedDictionary<string, long>> _counts = [];

    public void Add(BuildRow row)
    {
        var key = (row.Dataset, row.Cluster, row.Lang, row.Licence);
        if (!_counts.TryGetValue(key, out var templates)) _counts[key] = templates = new SortedDictionary<string, long>(StringComparer.Ordinal);
        templates[row.Template] = templates.GetValueOrDefault(row.Template) + 1;
    }

    public SplitCount Count(string mix, DataSplit split)
    {
        var datasets = _counts.Select(c => new DatasetCount(c.Key.Dataset, c.Key.Cluster, c.Key.Lang, c.Key.Licence, c.Value.Values.Sum(), c.Value))
            .OrderBy(d => d.Cluster, StringComparer.Ordinal).ThenBy(d => d.Dataset, StringComparer.Ordinal).ThenBy(d => d.Lang, StringComparer.Ordinal).ToList();
        return new SplitCount(mix, split, datasets.Sum(d => d.Rows), datasets, By(d => d.Cluster), By(d => d.Licence), Sum(datasets.SelectMany(d => d.Templates)));

        SortedDictionary<string, long> By(Func<DatasetCount, string> key) => Sum(datasets.Select(d => KeyValuePair.Create(key(d), d.Rows)));

        static SortedDictionary<string, long> Sum(IEnumerable<KeyValuePair<string, long>> counts)
        {
            var sums = new SortedDictionary<string, long>(StringComparer.Ordinal);
            foreach (var (name, rows) in counts) sums[name] = sums.GetValueOrDefault(name) + rows;
            return sums;
        }
    }
}
