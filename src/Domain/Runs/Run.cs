using XInstruct.Domain.Provenance;

namespace XInstruct.Domain.Runs;

/// <summary>One durable execution of a recipe.</summary>
public sealed record Run : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    string? IChained.Run => Name;

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    /// <summary>Run id, which is the workflow id.</summary>
    public string Name { get; init; } = "";

    public string RecipeName { get; init; } = "";

    public string Recipe { get; init; } = "";

    public string Settings { get; init; } = "";

    public IReadOnlyList<string> Languages { get; init; } = [];

    public IReadOnlyList<InputContent> Inputs { get; init; } = [];

    public IReadOnlyList<IterationCompleted> Iterations { get; init; } = [];

    public IReadOnlyList<CheckpointSaved> Checkpoints { get; init; } = [];

    public ReleaseSealed? Release { get; init; }

    public ModelEvaluated? Evaluation { get; init; }

    /// <summary>The run that it began with; null when it began with nothing.</summary>
    public RunForked? Forked { get; init; }

    public bool IsCompleted { get; init; }

    /// <summary>All interventions, in their order.</summary>
    public IReadOnlyList<RunSteered> Steered { get; init; } = [];

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static Run? Fold(Run? current, object @event) => (current, @event) switch
    {
        (null, RunStarted e) => new Run { RecipeName = e.Name, Recipe = e.Recipe, Settings = e.Settings, Languages = e.Languages, Inputs = e.Inputs },
        (null, _) => null,
        (var r, IterationCompleted e) => r with { Iterations = [.. r.Iterations, e] },
        (var r, CheckpointSaved e) => r with { Checkpoints = [.. r.Checkpoints, e] },
        (var r, ReleaseSealed e) => r with { Release = e },
        (var r, ModelEvaluated e) => r with { Evaluation = e },
        (var r, RunForked e) => r with { Forked = e },
        (var r, RunCompleted) => r with { IsCompleted = true },
        (var r, RunSteered e) => r with { Steered = [.. r.Steered, e] },
        (var r, _) => r,
    };

    /// <summary>Starts the run; nothing when it has started.</summary>
    public static object? Start(Run? current, RunStarted started) => current is null ? started : null;

    /// <summary>Ends an iteration; nothing when it has ended.</summary>
    public object? Complete(IterationCompleted iteration) => Iterations.Any(i => i.Iteration == iteration.Iteration) ? null : iteration;

    /// <summary>Records a checkpoint; nothing when its key has one: the first committed checkpoint wins.</summary>
    public object? Save(CheckpointSaved checkpoint) => Checkpoint(checkpoint.Key) is null ? checkpoint : null;

    /// <summary>The committed checkpoint of a training key.</summary>
    public CheckpointSaved? Checkpoint(string key) => Checkpoints.FirstOrDefault(c => c.Key == key);

    /// <summary>Seals the release; nothing when it is sealed.</summary>
    public object? Seal(ReleaseSealed release) => Release is null ? release : null;

    /// <summary>Records the evaluation; nothing when it is recorded.</summary>
    public object? Evaluate(ModelEvaluated evaluation) => Evaluation is null ? evaluation : null;

    /// <summary>Names the run that it begins with; nothing when one is named.</summary>
    public object? Fork(RunForked forked) => Forked is null ? forked : null;

    /// <summary>Ends the run; nothing when it has ended.</summary>
    public object? Complete() => IsCompleted ? null : new RunCompleted();
}
