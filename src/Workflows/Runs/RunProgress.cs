using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Releases;

namespace XInstruct.Workflows.Runs;

/// <summary>Where a run is, as its workflow knows it.</summary>
/// <param name="Phase">In words: ingest, train generator-0 (iteration 1), …</param>
/// <param name="Iteration">Iteration under way; null outside the loop.</param>
/// <param name="IsPaused">Whether all of the run is paused.</param>
/// <param name="Stages">Stages that ended, and those under way with the id of the workflow that knows more.</param>
/// <param name="Paused">Parts that are paused.</param>
public sealed record RunProgress(
    string Phase,
    int? Iteration,
    bool IsPaused,
    IReadOnlyList<StageEntry> Stages,
    IReadOnlyList<IterationCompleted> Iterations,
    SealedRelease? Release,
    IReadOnlyList<RunPart>? Paused = null);

/// <summary>One stage of one language.</summary>
/// <param name="Workflow">Id of the child workflow.</param>
/// <param name="Result">What it came to; null while it is under way.</param>
public sealed record StageEntry(string Workflow, string Language, Stage Stage, int Iteration, int Shards, ShardResult? Result);

/// <summary>What a finished run came to.</summary>
public sealed record RunResult(SealedRelease Release, string Student);
