using Temporalio.Activities;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Releases;

/// <summary>A sealed release.</summary>
public sealed record SealedRelease(int Number, string Sha256, int Samples);

/// <summary>Writes and seals the data set.</summary>
public interface IReleaseActivities
{
    /// <summary>Writes JSONL per language and manifest.json, then ReleaseSealed.</summary>
    [Activity]
    Task<SealedRelease> SealReleaseAsync(RunInput input);
}
