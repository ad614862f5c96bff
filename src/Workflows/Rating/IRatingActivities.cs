using Temporalio.Activities;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Rating;

/// <summary>Rates each pair of a shard.</summary>
public interface IRatingActivities
{
    /// <summary>Appends SampleRated or RatingFailed for each pair that the iteration rates.</summary>
    [Activity]
    Task<ShardResult> RateShardAsync(ShardInput input);
}
