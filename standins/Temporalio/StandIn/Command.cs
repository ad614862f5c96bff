using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>
/// Something a workflow decided in one workflow task. It becomes an event; on replay it must equal the event that is there already.
/// </summary>
internal sealed class Command(EventType type, EventData data)
{
    public EventType Type { get; } = type;

    public EventData Data { get; } = data;

    /// <summary>The event's id, once it has one.</summary>
    public long EventId { get; private set; }

    /// <summary>Withdrawn in the task that made it.</summary>
    public bool Dropped { get; set; }

    public Action<long>? Recorded { get; init; }

    public bool Closes => Type is EventType.WorkflowExecutionCompleted or EventType.WorkflowExecutionFailed or
        EventType.WorkflowExecutionCanceled or EventType.WorkflowExecutionContinuedAsNew;

    public void Record(long eventId)
    {
        EventId = eventId;
        Recorded?.Invoke(eventId);
    }

    /// <summary>Is this the command that led to the event?</summary>
    public bool Matches(HistoryEvent recorded) => recorded.EventType == Type && Type switch
    {
        EventType.ActivityTaskScheduled or EventType.StartChildWorkflowExecutionInitiated or
            EventType.SignalExternalWorkflowExecutionInitiated => recorded.Data.Id == Data.Id && recorded.Data.Name == Data.Name,
        EventType.MarkerRecorded => recorded.Data.Name == Data.Name,
        EventType.TimerStarted or EventType.RequestCancelExternalWorkflowExecutionInitiated or
            EventType.WorkflowExecutionUpdateAccepted or EventType.WorkflowExecutionUpdateCompleted => recorded.Data.Id == Data.Id,
        EventType.TimerCanceled or EventType.ActivityTaskCancelRequested => recorded.Data.Ref == Data.Ref,
        _ => true,
    };

    public override string ToString() => $"{Type} {Data.Name} {Data.Id}".TrimEnd();

    /// <summary>Events that only a workflow task's commands write.</summary>
    public static bool IsCommandEvent(EventType type) => type is EventType.ActivityTaskScheduled or EventType.ActivityTaskCancelRequested or
        EventType.TimerStarted or EventType.TimerCanceled or EventType.StartChildWorkflowExecutionInitiated or
        EventType.SignalExternalWorkflowExecutionInitiated or EventType.RequestCancelExternalWorkflowExecutionInitiated or
        EventType.MarkerRecorded or EventType.UpsertWorkflowSearchAttributes or EventType.WorkflowPropertiesModified or
        EventType.WorkflowExecutionUpdateAccepted or EventType.WorkflowExecutionUpdateCompleted or
        EventType.WorkflowExecutionCompleted or EventType.WorkflowExecutionFailed or EventType.WorkflowExecutionCanceled or
        EventType.WorkflowExecutionContinuedAsNew;
}

/// <summary>What one workflow task gives to a workflow.</summary>
internal sealed record Activation(
    DateTime Time,
    long HistoryLength,
    long HistorySize,
    bool Replaying,
    IReadOnlyList<HistoryEvent> Events,
    IReadOnlyList<ActivatedUpdate> Updates,
    IReadOnlyCollection<string> Patches);

/// <summary>An update to run; one from the history was accepted then and is not asked again.</summary>
internal sealed record ActivatedUpdate(string Id, string Name, Api.Common.V1.Payload[] Args, bool Accepted);

/// <summary>What a workflow task led to.</summary>
internal sealed record ActivationResult(List<Command> Commands, List<(string UpdateId, Failure Failure)> RejectedUpdates);
