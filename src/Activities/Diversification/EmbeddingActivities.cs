using Temporalio.Activities;
using XInstruct.Activities.Encoders;
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

/// <summary>Vectors of the instructions of kept samples: the recipe's sentence encoder's, or mean-pooled hidden states of the local model.</summary>
public sealed class EmbeddingActivities(
    RunLibrary library, ModelLibrary models, EncoderLibrary encoders, SampleReader samples, Contents contents, FileStore files) : IEmbeddingActivities
{
    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> EmbedShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var document = await library.RecipeAsync(run, ct);
        var recipe = document.Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        var kept = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct)).Where(s => s.Kept is not null).ToList();
        var texts = await contents.ReadAsync([.. kept.Select(s => s.Instruction!)], ct);
        var instructions = kept.Select(s => texts[s.Instruction!]).ToList();
        var (vectors, tokens) = recipe.Diversify.Encoder is null
            ? EmbedByModel(models.Load(input.Models[0].Checkpoint), instructions, recipe.Threads, ct)
            : EmbedByEncoder(await encoders.LoadAsync(document, ct), instructions, ct);
        await files.WriteWorkAsync(run.Run, VectorFile.Key(input.Language, input.Shard), new VectorFile([.. kept.Select(s => s.SampleId)], vectors), ct);
        return new ShardResult(kept.Count, 0, tokens);
    }

    private static (IReadOnlyList<float[]> Vectors, long Tokens) EmbedByModel(LocalModel model, List<string> texts, int threads, CancellationToken ct)
    {
        var ids = texts.ConvertAll(text => model.Tokenizer.Encode(text));
        return (ids.Count == 0 ? [] : TextEmbedder.Embed(model.Decoder, ids, threads: threads, cancellation: ct), ids.Sum(i => (long)i.Length));
    }

    private static (IReadOnlyList<float[]> Vectors, long Tokens) EmbedByEncoder(SentenceEncoder encoder, List<string> texts, CancellationToken ct)
    {
        var ids = texts.ConvertAll(encoder.Encode);
        try
        {
            return (encoder.Embed(ids, ct), ids.Sum(i => (long)i.Length));
        }
        catch (EncoderException e)
        {
            throw BadInput.Failure(e.Message, e);
        }
    }
}
