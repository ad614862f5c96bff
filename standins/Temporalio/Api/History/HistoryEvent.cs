using System.Text.Json.Serialization;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Common;

namespace Temporalio.Api.History.V1;

/// <summary>One row of a workflow's history.</summary>
public sealed class HistoryEvent
{
    /// <summary>Position in the history, from 1.</summary>
    public long EventId { get; set; }

    public EventType EventType { get; set; }

    [JsonInclude] internal DateTime Time { get; set; }

    [JsonInclude] internal EventData Data { get; set; } = new();
}

/// <summary>What an event says. One flat record for all kinds: a kind fills what it needs, the rest is not stored.</summary>
internal sealed record EventData
{
    /// <summary>Type of workflow or activity, name of signal or update, id of a patch.</summary>
    public string? Name { get; init; }

    /// <summary>Id of the activity, timer, update or other workflow.</summary>
    public string? Id { get; init; }

    public string? RunId { get; init; }

    /// <summary>The event that began what this event ends.</summary>
    public long? Ref { get; init; }

    public Payload[]? Args { get; init; }

    public Dictionary<string, Payload>? Headers { get; init; }

    public Failure.V1.Failure? Failure { get; init; }

    public RetryState? RetryState { get; init; }

    public string? Namespace { get; init; }

    public string? TaskQueue { get; init; }

    public string? Identity { get; init; }

    public int? Attempt { get; init; }

    public DateTime? At { get; init; }

    public TimeSpan? Delay { get; init; }

    public RetryPolicy? RetryPolicy { get; init; }

    public TimeSpan? ScheduleToClose { get; init; }

    public TimeSpan? ScheduleToStart { get; init; }

    public TimeSpan? StartToClose { get; init; }

    public TimeSpan? Heartbeat { get; init; }

    public TimeSpan? ExecutionTimeout { get; init; }

    public TimeSpan? RunTimeout { get; init; }

    public TimeSpan? TaskTimeout { get; init; }

    public Dictionary<string, Payload>? Memo { get; init; }

    public Dictionary<string, StoredAttribute>? Attributes { get; init; }

    public string? NewRunId { get; init; }

    public string? FirstRunId { get; init; }

    public string? ContinuedRunId { get; init; }

    public Payload[]? LastResult { get; init; }

    public Failure.V1.Failure? LastFailure { get; init; }

    public string? ParentId { get; init; }

    public string? ParentRunId { get; init; }

    public string? RootId { get; init; }

    public string? RootRunId { get; init; }

    public DateTime? FirstStart { get; init; }

    public DateTime? ExecutionDeadline { get; init; }

    public int? Policy { get; init; }

    public int? Reuse { get; init; }

    public int? PriorityKey { get; init; }

    public string? Summary { get; init; }

    public string? Details { get; init; }

    public bool? Flag { get; init; }

    public long? Size { get; init; }
}

/// <summary>A search attribute with its type; the value is plain JSON. A null value removes it.</summary>
internal sealed record StoredAttribute(IndexedValueType Type, System.Text.Json.JsonElement? Value);
