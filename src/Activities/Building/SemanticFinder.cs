using System.Runtime.InteropServices;
using XInstruct.Activities.Curation;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Clustering;
using XInstruct.Training.Embeddings;

namespace XInstruct.Activities.Building;

/// <summary>Embeds rows that would be trained on, and finds those that mean what an earlier one means.</summary>
internal sealed class SemanticFinder(JobContext<BuildRecipe> job)
{
    private const string Key = "semanticDedup.vectors";
    private readonly SemanticOptions _options = job.Recipe.SemanticDedup!;

    /// <summary>Writes the vectors of the rows among these that are trained on: numbers of 32 bits, a row after the other.</summary>
    public async Task EmbedAsync(JobWork work, IAsyncEnumerable<(int Item, BuildRow Row)> rows, CancellationToken ct)
    {
        var texts = await rows.Where(row => row.Row.Split == DataSplit.Train).Select(row => _options.Of == SemanticPart.Both ? $"{row.Row.Input}\n{row.Row.Output}" : row.Row.Input).ToListAsync(ct);
        work.Advance();
        var models = job.Get<InstructionModels>();
        // Models read these as they read instructions that are curated.
        var vectors = _options.Vectors;
        var recipe = new CurationRecipe
        {
            Threads = job.Recipe.Threads,
            Device = _options.Device,
            Vectors = new CurationVectors { Pooling = vectors.Pooling, MaxTokens = vectors.MaxTokens, Prefix = vectors.Prefix, BatchTokens = vectors.BatchTokens, Normalize = true },
        };
        var embedded = texts.Count == 0 ? [] : job.Has($"{Key}.encoder") ? models.EncoderVectors(job.Folder($"{Key}.encoder"), recipe, texts, ct) : models.ModelVectors(job.Folder($"{Key}.model"), recipe, texts, ct);
        foreach (var vector in embedded) work.Stream.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
        work.Rows = embedded.Count;
    }

    /// <summary>Rows of a mix that mean what an earlier one of it means. The vectors stay in their files: memory holds two blocks of them.</summary>
    public async Task<IReadOnlyList<BuildDuplicate>> FindAsync(string mix, CancellationToken ct)
    {
        var overlapping = await BuildKind.OverlappingAsync(job, ct);
        var (all, mine) = (0, new List<(int Item, int Vector)>());
        await foreach (var (item, row) in BuildKind.RowsAsync(job, ct))
        {
            if (row.Split != DataSplit.Train) continue;
            // What is left out for another reason is nobody's earlier row.
            if (row.Mix == mix && !overlapping.Contains(item)) mine.Add((item, all));
            all++;
        }

        if (mine.Count == 0) return [];
        var paths = new List<string>();
        for (var part = 0; part < await job.CountAsync(BuildKind.Vectors, ct); part++) paths.Add(await job.PartPathAsync(BuildKind.Vectors, part, ct));
        using var vectors = new VectorFiles(paths, (int)(paths.Sum(path => new FileInfo(path).Length) / sizeof(float) / all));
        var points = new SelectedPoints<float>(vectors, [.. mine.Select(one => one.Vector)]);
        // The tensor library counts its threads by the thread that calls it.
        var near = await Task.Factory.StartNew(() => NearVectors.Repeats(points, _options.Threshold, job.Recipe.Threads, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return [.. near.Select(one => new BuildDuplicate(mine[one.Item].Item, mine[one.Of].Item, Math.Round(one.Cosine, 6)))];
    }
}
