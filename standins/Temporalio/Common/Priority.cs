namespace Temporalio.Common;

/// <summary>Order among the tasks of a queue; lower keys first.</summary>
public sealed record Priority
{
    public Priority(int? priorityKey = null, string? fairnessKey = null, float? fairnessWeight = null) =>
        (PriorityKey, FairnessKey, FairnessWeight) = (priorityKey, fairnessKey, fairnessWeight);

    public static Priority Default { get; } = new();

    public int? PriorityKey { get; init; }

    public string? FairnessKey { get; init; }

    public float? FairnessWeight { get; init; }
}
