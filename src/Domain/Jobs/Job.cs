using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Domain.Jobs;

/// <summary>One durable execution of a recipe that makes no samples: a curation, a data set that is built, an evaluation, …</summary>
public sealed record Job : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    string? IChained.Run => Name;

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    /// <summary>Job id, which is the workflow id.</summary>
    public string Name { get; init; } = "";

    public JobStarted Started { get; init; } = new("", "", "", []);

    public IReadOnlyList<JobStageEnded> Stages { get; init; } = [];

    public JobEnded? Ended { get; init; }

    /// <summary>All interventions, in their order.</summary>
    public IReadOnlyList<RunSteered> Steered { get; init; } = [];

    /// <summary>job or chain.</summary>
    public string What() => Started.Kind == "chain" ? "chain" : "job";

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static Job? Fold(Job? current, object @event) => (current, @event) switch
    {
        (null, JobStarted e) => new Job { Name = e.Name, Started = e },
        (null, _) => null,
        (var j, JobStageEnded e) => j with { Stages = [.. j.Stages, e] },
        (var j, JobEnded e) => j with { Ended = e },
        (var j, RunSteered e) => j with { Steered = [.. j.Steered, e] },
        (var j, _) => j,
    };

    /// <summary>Starts the job; nothing when it has started.</summary>
    public static object? Start(Job? current, JobStarted started) => current is null ? started : null;

    /// <summary>Ends a stage; nothing when it has ended.</summary>
    public object? EndStage(JobStageEnded stage) => Stages.All(s => s.Stage != stage.Stage) ? stage : null;

    /// <summary>Ends the job; nothing when it has ended: the first result wins.</summary>
    public object? End(JobEnded ended) => Ended is null ? ended : null;
}

/// <summary>A part of a job's stage. Parts are done side by side, so each has a stream.</summary>
public sealed record JobPart : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    /// <inheritdoc/>
    public string? Run { get; init; }

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    /// <summary>Stage of the job.</summary>
    public string Stage { get; init; } = "";

    public JobPartDone? Done { get; init; }

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static JobPart? Fold(JobPart? current, object @event) => @event is JobPartDone e ? (current ?? new JobPart()) with { Stage = e.Stage, Done = e } : current;

    /// <summary>Records what the part gave; nothing when it is recorded: the first wins.</summary>
    public static object? Record(JobPart? current, JobPartDone done) => current?.Done is null ? done : null;
}

/// <summary>What a model behind an endpoint answered to a row of a job.</summary>
public sealed record JobReply : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    /// <inheritdoc/>
    public string? Run { get; init; }

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    public JobReplied? Replied { get; init; }

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static JobReply? Fold(JobReply? current, object @event) => @event is JobReplied e ? (current ?? new JobReply()) with { Replied = e } : current;

    /// <summary>Records an answer; nothing when there is one: the first wins.</summary>
    public static object? Record(JobReply? current, JobReplied replied) => current?.Replied is null ? replied : null;
}
