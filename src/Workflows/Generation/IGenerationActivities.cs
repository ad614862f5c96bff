using Temporalio.Activities;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Generation;

/// <summary>Writes the English instruction that each text of a shard answers.</summary>
public interface IGenerationActivities
{
    /// <summary>Appends InstructionGenerated, InstructionRevised or GenerationFailed for each text that the iteration writes.</summary>
    [Activity]
    Task<ShardResult> GenerateShardAsync(ShardInput input);
}
