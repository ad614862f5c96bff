using Temporalio.Activities;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Diversification;
using XInstruct.Workflows.Evaluation;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Rating;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Benchmarks.Loop;

/// <summary>A backend without latency: every activity that needs a model answers at once, and writes its events as the real one does.</summary>
internal sealed class InstantModels(EventWriter writer, RunLibrary library, SampleReader samples) :
    IGenerationActivities, IRatingActivities, IEmbeddingActivities, IClusteringActivities, ITrainingActivities, IEvaluationActivities
{
    public static InstructionGenerated Instruction { get; } = new(0, ContentHash.Of("Explain the text."), -0.5, 1);

    public static SampleRated Rating { get; } = new(0, 2, [0.1, 0.2, 0.7]);

    [Activity]
    public Task<ShardResult> GenerateShardAsync(ShardInput input) =>
        WriteAsync(input, "generate", s => s.Generate(0, Instruction.Instruction, Instruction.LogProbability, 1), [Content.Of(Guid.Empty, "Explain the text.")]);

    [Activity]
    public Task<ShardResult> RateShardAsync(ShardInput input) => WriteAsync(input, "rate", s => s.Rate(0, Rating.Level, Rating.Probabilities), null);

    [Activity]
    public Task<ShardResult> EmbedShardAsync(ShardInput input) => Task.FromResult(new ShardResult(0, 0));

    [Activity]
    public Task<ShardResult> SelectAsync(ClusterInput input) => Task.FromResult(new ShardResult(0, 0));

    [Activity]
    public Task<TrainedModel> TrainTokenizerAsync(RunInput input) => Task.FromResult(new TrainedModel("", null, 0, 0, null));

    [Activity]
    public Task<TrainedModel> TrainModelAsync(TrainInput input) => Task.FromResult(new TrainedModel("", "", 0, 0, null));

    [Activity]
    public Task EvaluateAsync(EvaluateInput input) => Task.CompletedTask;

    private async Task<ShardResult> WriteAsync(ShardInput input, string stage, Func<Sample, object?> decide, IReadOnlyList<Content>? contents)
    {
        var run = input.Language.Run;
        var ct = ActivityExecutionContext.Current.CancellationToken;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        var shard = await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct);
        foreach (var batch in shard.Chunk(recipe.Plan.MicroBatch))
        {
            await writer.WriteAsync(run.Run, new Act(stage, "1"), [.. batch.Select(s => new Change<Sample>(
                s.Id, s.SampleId, c => c is not null && decide(c) is { } e ? new Fact(e, contents, new Cost(100, 10)) : null))], ct);
        }

        return new ShardResult(shard.Count, 0, 100L * shard.Count, 10L * shard.Count);
    }
}
