using Temporalio.Activities;
using XInstruct.Activities.Models;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;
using XInstruct.Training.Scoring;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Rating;

namespace XInstruct.Activities.Rating;

/// <summary>Rates pairs by the probabilities of three label strings (constrained decoding).</summary>
public sealed class RatingActivities(
    EventWriter writer, RunLibrary library, ModelLibrary models, SampleReader samples, Contents contents) : IRatingActivities
{
    /// <summary>The label strings of levels 0, 1 and 2.</summary>
    public static IReadOnlyList<string> Labels { get; } = ["0", "1", "2"];

    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> RateShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var run = input.Language.Run;
        var recipe = (await library.RecipeAsync(run, ct)).Recipe;
        var plan = await library.PlanAsync(input.Language, ct);
        var shard = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct))
            .Where(s => s.Instruction is not null && s.IsOpenIn(input.Iteration, recipe.Refine.Regenerate)).ToList();
        var result = new ShardResult(0, 0);
        foreach (var batch in shard.Chunk(recipe.Plan.MicroBatch))
        {
            ct.ThrowIfCancellationRequested();
            if (batch.Any(s => s.Rated < input.Iteration)) result = result.Add(await RateAsync(input, recipe, batch, ct));
            else result = result.Add(new ShardResult(batch.Length, 0));
            heartbeat.Advance(batch.Length);
        }

        return result;
    }

    private async Task<ShardResult> RateAsync(ShardInput input, Recipe recipe, Sample[] batch, CancellationToken ct)
    {
        var options = recipe.Models.Evaluator;
        var texts = await contents.ReadAsync([.. batch.SelectMany(s => new[] { s.Text, s.Instruction! })], ct);
        var model = models.Load(input.Models[0].Checkpoint);
        var prompt = new ModelPrompt(model.Tokenizer, options.Prompt, options.MaxTextTokens);
        var requests = batch.Select(s => new LabelRequest(
            prompt.Prompt(Slots(TextNormalizer.Normalize(texts[s.Text]), texts[s.Instruction!])),
            DeterministicRandom.SeedOf($"rate/{recipe.Seed}/{input.Iteration}/{s.SampleId}"))).ToList();
        var scores = new LabelScorer(model.Tokenizer, Labels).Score(model.Decoder, requests, threads: recipe.Threads, cancellation: ct);
        var act = new Act(
            "rate", CodeVersion.Current, [input.Models[0].Checkpoint], ContentHash.Of(options.Prompt), Device: ModelLibrary.Device(recipe.Threads));
        var run = input.Language.Run.Run;
        var changes = batch.Select((sample, i) => new Change<Sample>(Identity.Stream(run, sample.SampleId), sample.SampleId, current =>
            current?.Rate(input.Iteration, scores[i].Label, [.. Labels.Select((_, level) => Math.Round(scores[i].Share(level), 6))]) is { } rated
                ? new Fact(rated, [Content.Of(Guid.Empty, options.Prompt)], new Cost(requests[i].Prompt.Length, 1))
                : null)).ToList();
        await writer.WriteAsync(run, act, changes, ct);
        return new ShardResult(batch.Length, 0, requests.Sum(r => (long)r.Prompt.Length), batch.Length);
    }

    /// <summary>Slots of the evaluator's prompt.</summary>
    public static IReadOnlyDictionary<string, string> Slots(string text, string instruction) =>
        new Dictionary<string, string>(StringComparer.Ordinal) { ["text"] = text, ["instruction"] = instruction };
}
