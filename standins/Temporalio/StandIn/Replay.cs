using Microsoft.Extensions.Logging;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>Brings a workflow to where its history ends, and checks at every step that it does what it did.</summary>
internal static class Replay
{
    /// <returns>The workflow, and the events that no completed workflow task has seen.</returns>
    public static (WorkflowInstance Workflow, List<HistoryEvent> Unseen) Run(
        WorkflowDefinition definition,
        IReadOnlyList<HistoryEvent> history,
        DataConverter converter,
        ILoggerFactory loggers,
        IReadOnlyCollection<Type>? failureTypes)
    {
        var start = history[0];
        if (start.EventType != EventType.WorkflowExecutionStarted)
        {
            throw new ArgumentException($"History begins with {start.EventType}, not with {EventType.WorkflowExecutionStarted}");
        }
        var workflow = new WorkflowInstance(
            definition, Info(start, converter), start, converter, loggers.CreateLogger($"Temporalio.Workflow:{start.Data.Name}"), failureTypes);
        var unseen = new List<HistoryEvent>();
        HistoryEvent? started = null;
        for (var i = 1; i < history.Count; i++)
        {
            switch (history[i].EventType)
            {
                case EventType.WorkflowTaskStarted:
                    started = history[i];
                    break;
                case EventType.WorkflowTaskCompleted:
                    var recorded = history.Skip(i + 1).TakeWhile(e => Command.IsCommandEvent(e.EventType)).ToArray();
                    ReplayTask(workflow, started!, unseen, recorded);
                    unseen = [];
                    i += recorded.Length;
                    break;
                case EventType.WorkflowTaskScheduled or EventType.WorkflowTaskFailed or EventType.WorkflowTaskTimedOut or
                    EventType.ActivityTaskStarted:
                    break;
                default:
                    unseen.Add(history[i]);
                    break;
            }
        }
        return (workflow, unseen);
    }

    private static void ReplayTask(WorkflowInstance workflow, HistoryEvent started, List<HistoryEvent> events, HistoryEvent[] recorded)
    {
        var result = workflow.Activate(new Activation(
            started.Time,
            started.EventId,
            started.Data.Size ?? 0,
            Replaying: true,
            events,
            [.. recorded.Where(e => e.EventType == EventType.WorkflowExecutionUpdateAccepted)
                .Select(e => new ActivatedUpdate(e.Data.Id!, e.Data.Name!, e.Data.Args ?? [], Accepted: true))],
            [.. recorded.Where(e => e.EventType == EventType.MarkerRecorded).Select(e => e.Data.Name!)]));
        var next = 0;
        EventType before = default;
        foreach (var e in recorded)
        {
            var patched = before == EventType.MarkerRecorded && e.EventType == EventType.UpsertWorkflowSearchAttributes &&
                e.Data.Attributes?.ContainsKey(WorkflowInstance.ChangeVersion.Name) == true;
            before = e.EventType;
            if (patched)
            {
                continue;
            }
            var command = next < result.Commands.Count ? result.Commands[next] : null;
            if (command?.Matches(e) == true)
            {
                command.Record(e.EventId);
                next++;
            }
            else if (e is not { EventType: EventType.MarkerRecorded, Data.Flag: true })
            {
                throw new WorkflowNondeterminismException(
                    $"[TMPRL1100] Nondeterminism error: event {e.EventId} of the history is {e.EventType} {e.Data.Name} {e.Data.Id}, " +
                    $"but the workflow's next command is {command?.ToString() ?? "none"}");
            }
        }
        if (next < result.Commands.Count)
        {
            throw new WorkflowNondeterminismException(
                $"[TMPRL1100] Nondeterminism error: the workflow's command {result.Commands[next]} has no event in the history after event " +
                $"{(recorded.Length > 0 ? recorded[^1] : started).EventId}");
        }
    }

    private static WorkflowInfo Info(HistoryEvent start, DataConverter converter)
    {
        // An exported history does not say it.
        var (data, ns) = (start.Data, start.Data.Namespace ?? "ReplayNamespace");
        return new(
            Attempt: data.Attempt ?? 1,
            ContinuedRunId: data.ContinuedRunId,
            CronSchedule: null,
            ExecutionTimeout: data.ExecutionTimeout,
            FirstExecutionRunId: data.FirstRunId!,
            Headers: data.Headers,
            LastFailure: data.LastFailure is { } failure ? converter.FailureConverter.ToException(failure, converter.PayloadConverter) : null,
            LastResult: data.LastResult?.Select(p => (IRawValue)new RawValue(p)).ToArray(),
            Namespace: ns,
            Parent: data.ParentId is { } parent ? new(ns, data.ParentRunId!, parent) : null,
            Priority: data.PriorityKey is { } key ? new Priority(key) : Priority.Default,
            RetryPolicy: data.RetryPolicy,
            Root: data.RootId is { } root ? new(data.RootRunId!, root) : null,
            RunId: data.RunId!,
            RunTimeout: data.RunTimeout,
            StartTime: start.Time,
            TaskQueue: data.TaskQueue!,
            TaskTimeout: data.TaskTimeout ?? TimeSpan.FromSeconds(10),
            WorkflowId: data.Id!,
            WorkflowStartTime: data.FirstStart ?? start.Time,
            WorkflowType: data.Name!);
    }
}
