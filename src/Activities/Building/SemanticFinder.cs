using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using XInstruct.Activities.Curation;
using XInstruct.Activities.Jobs;
using XInstruct.Domain.Recipes;
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

    /// <summary>Rows of a mix that mean what an earlier one of it means.</summary>
    public async Task<IReadOnlyList<BuildDuplicate>> FindAsync(string mix, CancellationToken ct)
    {
        var overlapping = await BuildKind.OverlappingAsync(job, ct);
        var items = new List<(int Item, bool IsMine)>();
        await foreach (var (item, row) in BuildKind.RowsAsync(job, ct))
        {
            // What is left out for another reason is nobody's earlier row.
            if (row.Split == DataSplit.Train) items.Add((item, row.Mix == mix && !overlapping.Contains(item)));
        }

        var bytes = 0L;
        for (var part = 0; part < await job.CountAsync(BuildKind.Vectors, ct); part++) bytes += new FileInfo(await job.PartPathAsync(BuildKind.Vectors, part, ct)).Length;
        if (items.Count == 0) return [];
        var width = (int)(bytes / sizeof(float) / items.Count);
        var mine = items.Where(item => item.IsMine).Select(item => item.Item).ToList();
        var vectors = await VectorsAsync(width, ct).Zip(items.ToAsyncEnumerable()).Where(pair => pair.Second.IsMine).Select(pair => pair.First).ToListAsync(ct);
        return [.. NearVectors.Repeats(vectors, _options.Threshold, job.Recipe.Threads, ct).Select(near => new BuildDuplicate(mine[near.Item], mine[near.Of], Math.Round(near.Cosine, 6)))];
    }

    private async IAsyncEnumerable<float[]> VectorsAsync(int width, [EnumeratorCancellation] CancellationToken ct)
    {
        for (var part = 0; part < await job.CountAsync(BuildKind.Vectors, ct); part++)
        {
            await using var file = File.OpenRead(await job.PartPathAsync(BuildKind.Vectors, part, ct));
            for (var left = file.Length / sizeof(float) / width; left > 0; left--)
            {
                var vector = new float[width];
                file.ReadExactly(MemoryMarshal.AsBytes(vector.AsSpan()));
                yield return vector;
            }
        }
    }
}
