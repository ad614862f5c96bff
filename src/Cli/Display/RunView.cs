using XInstruct.Activities.Reports;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Cli.Display;

/// <summary>One moment of a run, as all displays show it.</summary>
/// <param name="Progress">What the run's workflow knows.</param>
/// <param name="Stages">Stages with the freshest counts, in the order they began.</param>
/// <param name="Elapsed">Since this command began to watch.</param>
/// <param name="Pulse">Money, pace of endpoints, and who works.</param>
internal sealed record RunView(RunProgress Progress, IReadOnlyList<StageView> Stages, TimeSpan Elapsed, RunPulse Pulse)
{
    /// <summary>Whether none follows: the command ends.</summary>
    public bool IsLast { get; init; }

    public long TokensIn => Stages.Sum(s => s.Result.TokensIn);

    public long TokensOut => Stages.Sum(s => s.Result.TokensOut);

    /// <summary>What is paused, in words; null for nothing.</summary>
    public static string? Paused(RunProgress progress) =>
        progress.IsPaused ? "paused" : progress.Paused is { Count: > 0 } parts ? $"paused: {string.Join(", ", parts)}" : null;
}

/// <summary>One stage of one language.</summary>
/// <param name="Rate">Rows a second since the stage was first seen; null before there is a measure.</param>
internal sealed record StageView(StageEntry Entry, int ShardsDone, ShardResult Result, double? Rate)
{
    public bool IsDone => Entry.Result is not null;

    /// <summary>Time left at the present rate, by shards.</summary>
    public TimeSpan? Left { get; init; }
}

/// <summary>A way to show a run.</summary>
internal interface IRunDisplay
{
    /// <summary>Shows a moment; called about twice a second.</summary>
    void Show(RunView view);

    /// <summary>Shows a sentence.</summary>
    void Say(string sentence);
}
