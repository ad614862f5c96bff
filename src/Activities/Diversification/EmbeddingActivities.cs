using Temporalio.Activities;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Training.Embeddings;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Diversification;

/// <summary>Vectors of a shard's kept samples, in sample order.</summary>
public sealed record VectorFile(IReadOnlyList<Guid> Ids, IReadOnlyList<float[]> Vectors)
{
    /// <summary>Work-file key.</summary>
    public static string Key(LanguageInput language, int shard) => $"{language.Language}/vectors-{shard:D6}.json";
}

/// <summary>Mean-pooled hidden states of the local model, over the instructions of kept samples.</summary>
public sealed class EmbeddingActivities(
    RunLibrary library, ModelLibrary models, SampleReader samples, Contents contents, FileStore files) : IEmbeddingActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> EmbedShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        var kept = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct)).Where(s => s.Kept is not null).ToList();
        var texts = await contents.ReadAsync([.. kept.Select(s => s.Instruction!)], ct);
        var model = models.Load(input.Models[0].Checkpoint);
        var ids = kept.Select(s => model.Tokenizer.Encode(texts[s.Instruction!])).ToList();
        var vectors = ids.Count == 0 ? [] : TextEmbedder.Embed(model.Decoder, ids, threads: recipe.Threads, cancellation: ct);
        await files.WriteWorkAsync(run.Run, VectorFile.Key(input.Language, input.Shard), new VectorFile([.. kept.Select(s => s.SampleId)], vectors), ct);
        return new ShardResult(kept.Count, 0, ids.Sum(i => (long)i.Length));
    }
}
