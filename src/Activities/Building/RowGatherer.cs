using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>Puts what the sources gave in its order: a mix after the other, in each what is trained on, then dev, then test.</summary>
internal sealed class RowGatherer(JobContext<BuildRecipe> job)
{
    private readonly BuildRecipe _recipe = job.Recipe;
    private readonly HashSet<UInt128> _seen = [];

    /// <summary>All rows; then what was left out on the way, and counts.</summary>
    public async IAsyncEnumerable<BuildLine> ReadAsync([EnumeratorCancellation] CancellationToken ct)
    {
        if (_recipe.QuestionTranslation is { } translation)
        {
            await foreach (var row in DirectionsAsync(translation, ct)) yield return new BuildLine(row);
            yield break;
        }

        // Every row is read once, and a second time out of the file of its mix and split.
        var folder = Directory.CreateDirectory(job.Scratch($"gather-{Guid.NewGuid():N}"));
        try
        {
            await SortAsync(folder.FullName, ct);
            foreach (var mix in (_recipe.Mix?.Settings.Select(setting => setting.Name) ?? [""]).Index())
            {
                foreach (var split in Enum.GetValues<DataSplit>())
                {
                    foreach (var line in Split(mix.Item, split, PathOf(folder.FullName, mix.Index, split), ct)) yield return line;
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Brings each row to the file of its mix and split, in its order.</summary>
    private async Task SortAsync(string folder, CancellationToken ct)
    {
        var mixes = _recipe.Mix?.Settings.Select(setting => setting.Name).Index().ToDictionary(mix => mix.Item, mix => mix.Index, StringComparer.Ordinal) ?? new Dictionary<string, int>(StringComparer.Ordinal) { [""] = 0 };
        var files = new Dictionary<string, FileStream>(StringComparer.Ordinal);
        try
        {
            for (var part = 0; part < await job.CountAsync(BuildKind.Read, ct); part++)
            {
                foreach (var line in BuildKind.Lines(await job.PartPathAsync(BuildKind.Read, part, ct)))
                {
                    ct.ThrowIfCancellationRequested();
                    var row = JsonSerializer.Deserialize<BuildLine>(line.Span, EventJson.Options)!.Row!;
                    var path = PathOf(folder, mixes[row.Mix], row.Split);
                    if (!files.TryGetValue(path, out var file)) files[path] = file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16);
                    file.Write(line.Span);
                    file.WriteByte((byte)'\n');
                }
            }
        }
        finally
        {
            foreach (var file in files.Values) await file.DisposeAsync();
        }
    }

    private static string PathOf(string folder, int mix, DataSplit split) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{mix}-{split}"));

    private IEnumerable<BuildLine> Split(string mix, DataSplit split, string path, CancellationToken ct)
    {
        if (!File.Exists(path)) yield break;
        var limit = SourcePrompter.Limit(_recipe, split);
        var draws = new Dictionary<string, RowDraw<List<BuildRow>>>(StringComparer.Ordinal);
        var open = new List<BuildRow>();
        foreach (var (_, row) in BuildKind.Rows(path, 0))
        {
            ct.ThrowIfCancellationRequested();
            if (!_seen.Add(row.TextKey()))
            {
                yield return new BuildLine(Drop: new BuildDrop(row.Source, row.Row, row.Dataset, split, "duplicate", row.Mix.Length > 0 ? row.Mix : null));
                continue;
            }

            if (limit == 0)
            {
                yield return new BuildLine(row);
                continue;
            }

            // The prompts of one row by several templates are drawn together.
            if (open.Count > 0 && (open[0].Source, open[0].Row) != (row.Source, row.Row)) Close();
            open.Add(row);
        }

        Close();
        // By lot also over data sets, so that a training that reads from the first to the last row sees them mixed; tests stay by data set.
        var drawn = draws.OrderBy(draw => draw.Key, StringComparer.Ordinal).SelectMany(draw => draw.Value.Drawn());
        if (split != DataSplit.Test) drawn = drawn.OrderBy(rows => SourcePrompter.Lot(_recipe.Seed, rows[0])).ThenBy(rows => rows[0].Source, StringComparer.Ordinal).ThenBy(rows => rows[0].Row);
        foreach (var row in drawn.SelectMany(rows => rows)) yield return new BuildLine(row);
        foreach (var (dataset, draw) in draws.OrderBy(draw => draw.Key, StringComparer.Ordinal).Where(draw => draw.Value.Undrawn > 0))
            yield return new BuildLine(Count: new BuildCount(mix, dataset, split, "not-drawn", draw.Undrawn));

        void Close()
        {
            if (open.Count == 0) return;
            if (!draws.TryGetValue(open[0].Dataset, out var draw)) draws[open[0].Dataset] = draw = new RowDraw<List<BuildRow>>(limit);
            draw.Add(SourcePrompter.Lot(_recipe.Seed, open[0]), open);
            open = [];
        }
    }

    private async IAsyncEnumerable<BuildRow> DirectionsAsync(QuestionTranslationOptions translation, [EnumeratorCancellation] CancellationToken ct)
    {
        if (translation.Order == DirectionOrder.Interleaved)
        {
            var open = new List<IAsyncEnumerator<BuildRow>>();
            try
            {
                for (var part = 0; part < translation.Directions.Count; part++) open.Add(RowsAsync(part, ct).GetAsyncEnumerator(ct));
                var left = open.ToList();
                while (left.Count > 0)
                {
                    foreach (var one in left.ToArray())
                    {
                        if (await one.MoveNextAsync()) yield return one.Current;
                        else left.Remove(one);
                    }
                }
            }
            finally
            {
                foreach (var one in open) await one.DisposeAsync();
            }

            yield break;
        }

        var draw = translation.Order == DirectionOrder.Shuffled ? new RowDraw<BuildRow>(int.MaxValue) : null;
        await foreach (var row in RowsAsync(ct))
        {
            if (draw is null) yield return row;
            else draw.Add(SourcePrompter.Lot(_recipe.Seed, row), row);
        }

        foreach (var row in draw?.Drawn() ?? []) yield return row;
    }

    private async IAsyncEnumerable<BuildRow> RowsAsync([EnumeratorCancellation] CancellationToken ct)
    {
        for (var part = 0; part < await job.CountAsync(BuildKind.Read, ct); part++)
        {
            await foreach (var row in RowsAsync(part, ct)) yield return row;
        }
    }

    private async IAsyncEnumerable<BuildRow> RowsAsync(int part, [EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var line in job.ReadPartAsync<BuildLine>(BuildKind.Read, part, ct))
        {
            if (line.Row is { } row) yield return row;
        }
    }
}
