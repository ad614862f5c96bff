using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Domain.Refinement;
using XInstruct.Domain.Samples;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Rating;

namespace XInstruct.Activities.Rating;

/// <summary>Rates each pair of a shard by a rubric that a model behind an endpoint is asked. A reply without a score is an outcome of its own, never a low score.</summary>
public sealed class ApiRatingActivities(RemoteShards shards) : IRatingActivities
{
    /// <inheritdoc/>
    [Activity]
    public Task<ShardResult> RateShardAsync(ShardInput input) => shards.RunAsync(input, new Stage());

    private sealed class Stage() : RemoteStage("rate", "evaluator")
    {
        public override EndpointSettings Endpoint(RunSettings settings) => settings.Evaluator!;

        public override bool Takes(Sample sample) => sample.Instruction is not null;

        public override bool IsDone(Sample sample, int iteration) => sample.Rated >= iteration;

        public override bool HasFailed(Sample sample) => sample.Level is null;

        public override string? Reason(ChatOutcome outcome) => Read(outcome).Reason;

        public override object? Decide(Sample sample, int iteration, ChatOutcome outcome) => Read(outcome) switch
        {
            ({ } points, _) => sample.Rate(iteration, RubricScore.Level(points), RubricScore.Probabilities(points), points),
            var (_, reason) => sample.FailRating(iteration, reason!),
        };

        /// <summary>The points of a reply, or why it has none.</summary>
        private static (int? Points, string? Reason) Read(ChatOutcome outcome) => outcome switch
        {
            ChatRefusal refusal => (null, refusal.Reason),
            ChatReply reply when RubricScore.Parse(reply.Text) is { } points => (points, null),
            _ => (null, "unparsed"),
        };
    }
}
