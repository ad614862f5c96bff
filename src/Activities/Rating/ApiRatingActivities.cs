using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Refinement;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Rating;

namespace XInstruct.Activities.Rating;

/// <summary>Rates each pair of a shard by a rubric that a model behind an endpoint is asked. A reply without a score is an outcome of its own, never a low score.</summary>
public sealed class ApiRatingActivities(
    EventWriter writer, RunLibrary library, SampleReader samples, Contents contents, FileStore files, RunSettingsTable settings, ShardCalls calls) : IRatingActivities
{
    /// <summary>Reason of a reply whose last line is no score.</summary>
    public const string Unparsed = "unparsed";

    /// <inheritdoc/>
    [Activity]
    public async Task<ShardResult> RateShardAsync(ShardInput input)
    {
        using var heartbeat = Heartbeat.Start();
        var ct = heartbeat.Token;
        var (run, language, iteration) = (input.Language.Run, input.Language.Language, input.Iteration);
        var document = await library.RecipeAsync(run, ct);
        var recipe = document.Recipe;
        var endpoint = (await settings.ReadAsync(run.Run, ct)).Evaluator!;
        var rubric = EndpointPrompt.Of(document, "evaluator", language, files);
        var act = rubric.Act("rate", endpoint);
        var plan = await library.PlanAsync(input.Language, ct);
        var shard = (await samples.LoadAsync(run.Run, plan.Shard(input.Shard, recipe.Plan.ShardSize), ct))
            .Where(s => s.Instruction is not null && s.IsOpenIn(iteration, recipe.Refine.Regenerate)).ToList();
        var open = shard.Where(s => s.Rated < iteration).ToList();
        var texts = await contents.ReadAsync([.. open.SelectMany(s => new[] { s.Text, s.Instruction! })], ct);
        var tally = new CallTally(shard.Count - open.Count, shard.Count(s => s.Rated >= iteration && s.Level is null));
        var scope = new CallScope(run.Run, "rate", language, $"{iteration}/{input.Shard}");
        await calls.RunAsync(
            scope,
            endpoint,
            open,
            s => rubric.Request(TextNormalizer.Normalize(texts[s.Text]), texts[s.Instruction!], language, $"rate/{recipe.Seed}/{iteration}/{s.SampleId}"),
            recipe.Plan.MicroBatch,
            async (answers, token) =>
            {
                var changes = answers.Select(a => new Change<Sample>(
                    Identity.Stream(run.Run, a.Row.SampleId), a.Row.SampleId, s => s is null ? null : Decide(s, iteration, a, rubric, recipe.Seed))).ToList();
                await writer.WriteAsync(run.Run, act, changes, token, (session, written) => BudgetBook.QueueSettlement(
                    session, scope, [.. answers.Where((_, i) => written[i]).Select(a => a.Paid)], [.. answers.Where((_, i) => !written[i]).Select(a => a.Paid)]));
                foreach (var answer in answers) tally.Add(answer.Paid.Cost, Points(answer.Outcome).Reason);
                heartbeat.Advance(answers.Count);
            },
            ct);
        return tally.Result;
    }

    private static Fact? Decide(Sample sample, int iteration, Answered<Sample> answer, EndpointPrompt rubric, int seed)
    {
        var e = Points(answer.Outcome) switch
        {
            ({ } points, _) => sample.Rate(iteration, RubricScore.Level(points), RubricScore.Probabilities(points), points),
            var (_, reason) => sample.FailRating(iteration, reason!),
        };
        return e is null ? null : new Fact(e, [Content.Of(Guid.Empty, rubric.Text)], answer.Paid.Cost, seed);
    }

    /// <summary>The points of a reply, or why it has none.</summary>
    private static (int? Points, string? Reason) Points(ChatOutcome outcome) => outcome switch
    {
        ChatRefusal refusal => (null, refusal.Reason),
        ChatReply reply when RubricScore.Parse(reply.Text) is { } points => (points, null),
        _ => (null, Unparsed),
    };
}
