using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;

namespace XInstruct.Domain.Models;

/// <summary>A model from the start of its training on.</summary>
public sealed record Model : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    string? IChained.Run => Name;

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    /// <summary>Training id, which is the workflow id.</summary>
    public string Name { get; init; } = "";

    public TrainingStarted Started { get; init; } = new("", "", "", null, []);

    public IReadOnlyList<ModelCheckpointSaved> Checkpoints { get; init; } = [];

    public ModelTrained? Trained { get; init; }

    public IReadOnlyList<ModelMerged> Merged { get; init; } = [];

    /// <summary>All interventions, in their order.</summary>
    public IReadOnlyList<RunSteered> Steered { get; init; } = [];

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static Model? Fold(Model? current, object @event) => (current, @event) switch
    {
        (null, TrainingStarted e) => new Model { Name = e.Name, Started = e },
        (null, _) => null,
        (var m, ModelCheckpointSaved e) => m with { Checkpoints = [.. m.Checkpoints, e] },
        (var m, ModelTrained e) => m with { Trained = e },
        (var m, ModelMerged e) => m with { Merged = [.. m.Merged, e] },
        (var m, RunSteered e) => m with { Steered = [.. m.Steered, e] },
        (var m, _) => m,
    };

    /// <summary>Starts the training; nothing when it has started.</summary>
    public static object? Start(Model? current, TrainingStarted started) => current is null ? started : null;

    /// <summary>Records a checkpoint; nothing when its step has one, or the training has ended.</summary>
    public object? Save(ModelCheckpointSaved checkpoint) => Trained is null && Checkpoints.All(c => c.Step != checkpoint.Step) ? checkpoint : null;

    /// <summary>Ends the training; nothing when it has ended: the first result wins.</summary>
    public object? End(ModelTrained trained) => Trained is null ? trained : null;

    /// <summary>Records a merge; nothing when the same one is recorded.</summary>
    public object? Merge(ModelMerged merged) => Merged.Contains(merged) ? null : merged;
}
