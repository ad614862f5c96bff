using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Languages;

/// <summary>Names a language of a run to an activity.</summary>
public sealed record LanguageInput(RunInput Run, string Language);

/// <summary>Names a shard: the unit of work of one activity, fixed by the plan.</summary>
/// <param name="Shard">From 0.</param>
/// <param name="Iteration">Iteration, for stages that have one.</param>
/// <param name="Models">Checkpoints that take part.</param>
/// <param name="Revision">Revision of the settings that hold, however often the shard is done.</param>
public sealed record ShardInput(LanguageInput Language, int Shard, int Iteration, IReadOnlyList<ModelRef> Models, int Revision = 0);

/// <summary>A checkpoint and the part of the corpus it may label.</summary>
/// <param name="Role">generator-0, evaluator, …</param>
/// <param name="Checkpoint">Hash of the checkpoint.</param>
/// <param name="Half">Half of the corpus that it may label; null: all of it.</param>
public sealed record ModelRef(string Role, string Checkpoint, int? Half = null);

/// <summary>What a shard came to. Counts only; rows are in the store.</summary>
/// <param name="Done">Samples (or rows) that the shard dealt with.</param>
/// <param name="Failed">Those of them that ended rejected or failed.</param>
/// <param name="LastReason">Most recent reason among them.</param>
public sealed record ShardResult(int Done, int Failed, long TokensIn = 0, long TokensOut = 0, string? LastReason = null)
{
    /// <summary>Sum of two results.</summary>
    public ShardResult Add(ShardResult other) => new(
        Done + other.Done, Failed + other.Failed, TokensIn + other.TokensIn, TokensOut + other.TokensOut, other.LastReason ?? LastReason);
}

/// <summary>The stages that run as windows of shards.</summary>
public enum Stage
{
    Scan,
    Accept,
    Generate,
    Rate,
    Embed,
}
