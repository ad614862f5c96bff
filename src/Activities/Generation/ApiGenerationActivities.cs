using Temporalio.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Texts;
using XInstruct.Workflows.Generation;
using XInstruct.Workflows.Languages;

namespace XInstruct.Activities.Generation;

/// <summary>Writes the instruction that each text of a shard answers, with a model behind an endpoint.</summary>
public sealed class ApiGenerationActivities(RemoteShards shards) : IGenerationActivities
{
    /// <inheritdoc/>
    [Activity]
    public Task<ShardResult> GenerateShardAsync(ShardInput input) => shards.RunAsync(input, new Stage());

    private sealed class Stage() : RemoteStage("generate", "generator")
    {
        public override EndpointSettings Endpoint(RunSettings settings) => settings.Generator!;

        public override bool IsDone(Sample sample, int iteration) => sample.Generated >= iteration;

        public override bool HasFailed(Sample sample) => sample.Failure is not null;

        public override string? Reason(ChatOutcome outcome) => Read(outcome).Reason;

        public override object? Decide(Sample sample, int iteration, ChatOutcome outcome) => Read(outcome) switch
        {
            ({ } instruction, _) => sample.Generate(iteration, ContentHash.Of(instruction), (outcome as ChatReply)?.LogProbability, 1),
            var (_, reason) => sample.FailGeneration(iteration, reason!),
        };

        public override Content? Written(Sample sample, ChatOutcome outcome) => Read(outcome).Instruction is { } instruction ? Content.Of(sample.Source, instruction) : null;

        /// <summary>The instruction of a reply, or why it has none.</summary>
        private static (string? Instruction, string? Reason) Read(ChatOutcome outcome)
        {
            if (outcome is ChatRefusal refusal) return (null, refusal.Reason);
            var reply = (ChatReply)outcome;
            var text = TextNormalizer.Malformation(reply.Text) is null ? TextNormalizer.Normalize(reply.Text) : "";
            return reply.IsCutOff ? (null, "cut-off") : text.Length == 0 ? (null, "empty") : (text, null);
        }
    }
}
