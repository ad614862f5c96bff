using XInstruct.Activities.Endpoints;
using XInstruct.Domain.Models;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Reports;

/// <summary>A job, a chain or a training: what it is, where it is, why it does not go on, and what it came to.</summary>
/// <param name="Name">Its id.</param>
/// <param name="Kind">job, chain or training.</param>
/// <param name="Does">The command of a job; how a training trains.</param>
/// <param name="Status">running, completed, failed, …</param>
/// <param name="Seconds">Since its start, or from there to its end.</param>
public sealed record WorkReport(string Name, string Kind, string Does, string Status, double Seconds)
{
    /// <summary>Stages of a job that have ended.</summary>
    public IReadOnlyList<string>? Stages { get; init; }

    /// <summary>Where it is; null when it is not under way, or no worker is there to say.</summary>
    public object? Progress { get; init; }

    /// <summary>The last point from which a training can go on.</summary>
    public ModelCheckpointSaved? Checkpoint { get; init; }

    /// <summary>Why it does not go on.</summary>
    public IReadOnlyList<Obstacle> Waits { get; init; } = [];

    /// <summary>Calls to endpoints by stage.</summary>
    public IReadOnlyList<CallLedger>? Calls { get; init; }

    /// <summary>All interventions, in their order.</summary>
    public IReadOnlyList<RunSteered>? Steered { get; init; }

    /// <summary>Hash of the file table of its result.</summary>
    public string? Result { get; init; }
}
