using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>What became of a workflow task's work.</summary>
internal enum TaskOutcome
{
    Completed,

    /// <summary>The lease is not held any more; another worker has the workflow.</summary>
    Lost,

    /// <summary>The workflow wanted to end, but something came that it has not seen.</summary>
    Superseded,
}

/// <summary>The end of a workflow task: its events and all that its commands do, in one transaction.</summary>
internal sealed partial class Engine
{
    /// <param name="writer">The events to append; null when the task leaves no trace (it only refused updates).</param>
    /// <param name="nextRun">The run that goes on after this one, for continue-as-new and retries.</param>
    public Task<TaskOutcome> CompleteTaskAsync(
        WorkflowTask task, HistoryWriter? writer, ActivationResult result, NewRun? nextRun, int worker, bool sticky, CancellationToken token) =>
        TransactAsync(
            async t =>
            {
                var run = task.Execution;
                var closing = result.Commands.FirstOrDefault(c => c.Closes);
                var targets = await FindTargetsAsync(t, run, result.Commands).ConfigureAwait(false);
                var locked = await t.LockAsync([
                    run.RunId,
                    .. targets.Values.OfType<string>(),
                    .. closing != null && run.ParentRunId != null ? new[] { run.ParentRunId } : [],
                ]).ConfigureAwait(false);
                var byId = locked.ToDictionary(r => r.RunId);
                if (!byId.TryGetValue(run.RunId, out var current) || !Holds(current, task))
                {
                    return TaskOutcome.Lost;
                }
                if (closing != null && current.TaskPending)
                {
                    return TaskOutcome.Superseded;
                }
                if (task.Inbox.Count > 0)
                {
                    t.Later("DELETE FROM inbox WHERE seq = ANY($1)", (object)task.Inbox.Select(r => r.Seq).ToArray());
                }
                if (closing == null)
                {
                    writer?.WriteEvents(t);
                }
                else
                {
                    writer?.Write(t);
                }
                foreach (var (updateId, failure) in result.RejectedUpdates)
                {
                    EndUpdate(t, run.RunId, updateId, null, failure, 3);
                }
                var memo = current.Memo;
                var attributes = current.Attributes;
                foreach (var command in result.Commands)
                {
                    switch (command.Type)
                    {
                        case EventType.WorkflowPropertiesModified:
                            foreach (var (key, value) in command.Data.Memo!)
                            {
                                memo[key] = value;
                                if (value.Encoding == "binary/null")
                                {
                                    memo.Remove(key);
                                }
                            }
                            t.Later("UPDATE executions SET memo = $2 WHERE run_id = $1", run.RunId, Json.Write(memo));
                            break;
                        case EventType.UpsertWorkflowSearchAttributes:
                            foreach (var (key, value) in command.Data.Attributes!)
                            {
                                attributes[key] = value;
                                if (value.Value == null)
                                {
                                    attributes.Remove(key);
                                }
                            }
                            t.Later("UPDATE executions SET attributes = $2::jsonb WHERE run_id = $1", run.RunId, Json.Write(attributes));
                            break;
                        default:
                            var target = targets.TryGetValue(command, out var targetId) && targetId != null ? byId.GetValueOrDefault(targetId) : null;
                            await ApplyAsync(t, current, command, target).ConfigureAwait(false);
                            break;
                    }
                }
                if (closing != null)
                {
                    Close(t, current, StatusOf(closing.Type), nextRun?.RunId, closing.Data, byId.GetValueOrDefault(run.ParentRunId ?? string.Empty));
                    if (nextRun != null)
                    {
                        await CreateRunAsync(t, nextRun).ConfigureAwait(false);
                    }
                    return TaskOutcome.Completed;
                }
                t.Later(
                    $"""
                    UPDATE executions SET lease_owner = NULL, lease_until = NULL, task_attempt = 0, sticky_owner = $2, task_at = $3,
                        task_pending = {HasWorkSql}, history_length = $4, history_size = $5 WHERE run_id = $1
                    """,
                    run.RunId, sticky ? worker : null, t.Now, writer?.Length ?? current.HistoryLength, writer?.Size ?? current.HistorySize);
                if (current.TaskPending)
                {
                    t.Wake(Wakeups.WorkflowTasks(run.Namespace, run.TaskQueue));
                }
                return TaskOutcome.Completed;
            },
            token);

    private static async Task<Dictionary<Command, string?>> FindTargetsAsync(Transaction t, ExecutionRow run, List<Command> commands)
    {
        var targets = new Dictionary<Command, string?>();
        foreach (var command in commands.Where(c => c.Type is EventType.SignalExternalWorkflowExecutionInitiated or
            EventType.RequestCancelExternalWorkflowExecutionInitiated))
        {
            targets[command] = (await FindAsync(t, run.Namespace, command.Data.Id!, command.Data.RunId).ConfigureAwait(false))?.RunId;
        }
        return targets;
    }

    private static async Task ApplyAsync(Transaction t, ExecutionRow run, Command command, ExecutionRow? target)
    {
        var data = command.Data;
        var running = target is { Status: WorkflowExecutionStatus.Running };
        switch (command.Type)
        {
            case EventType.ActivityTaskScheduled:
                Schedule(t, run, command);
                break;
            case EventType.ActivityTaskCancelRequested:
                await CancelActivityAsync(t, run, data.Ref!.Value).ConfigureAwait(false);
                break;
            case EventType.TimerStarted:
                var fireAt = t.Now + data.Delay!.Value;
                t.Later("INSERT INTO timers (run_id, event_id, id, fire_at) VALUES ($1, $2, $3, $4)", run.RunId, command.EventId, data.Id, fireAt);
                t.Engine.Poke(fireAt);
                break;
            case EventType.TimerCanceled:
                t.Later("DELETE FROM timers WHERE run_id = $1 AND event_id = $2", run.RunId, data.Ref);
                break;
            case EventType.StartChildWorkflowExecutionInitiated:
                await StartChildAsync(t, run, command).ConfigureAwait(false);
                break;
            case EventType.SignalExternalWorkflowExecutionInitiated:
                if (running)
                {
                    t.Post(target!, EventType.WorkflowExecutionSignaled, new EventData { Name = data.Name, Args = data.Args, Identity = run.WorkflowId });
                }
                t.Post(
                    run,
                    running ? EventType.ExternalWorkflowExecutionSignaled : EventType.SignalExternalWorkflowExecutionFailed,
                    new EventData { Ref = command.EventId });
                break;
            case EventType.RequestCancelExternalWorkflowExecutionInitiated:
                if (running)
                {
                    RequestCancel(t, target!, run.WorkflowId);
                }
                t.Post(
                    run,
                    running ? EventType.ExternalWorkflowExecutionCancelRequested : EventType.RequestCancelExternalWorkflowExecutionFailed,
                    new EventData { Ref = command.EventId });
                break;
            case EventType.WorkflowExecutionUpdateAccepted:
                t.Later("UPDATE updates SET state = 1 WHERE run_id = $1 AND update_id = $2 AND state = 0", run.RunId, data.Id);
                t.Wake(Wakeups.Run(run.RunId));
                break;
            case EventType.WorkflowExecutionUpdateCompleted:
                EndUpdate(t, run.RunId, data.Id!, data.Args, data.Failure);
                break;
        }
    }

    private static WorkflowExecutionStatus StatusOf(EventType closing) => closing switch
    {
        EventType.WorkflowExecutionCompleted => WorkflowExecutionStatus.Completed,
        EventType.WorkflowExecutionCanceled => WorkflowExecutionStatus.Canceled,
        EventType.WorkflowExecutionContinuedAsNew => WorkflowExecutionStatus.ContinuedAsNew,
        _ => WorkflowExecutionStatus.Failed,
    };

    private static void EndUpdate(Transaction t, string runId, string updateId, Api.Common.V1.Payload[]? result, Failure? failure, short state = 2)
    {
        t.Later(
            "UPDATE updates SET state = $5, result = $3, failure = $4 WHERE run_id = $1 AND update_id = $2",
            runId, updateId, result == null ? null : Json.Write(result), failure == null ? null : Json.Write(failure), state);
        t.Wake(Wakeups.Run(runId));
    }

    private static void Schedule(Transaction t, ExecutionRow run, Command command)
    {
        var data = command.Data;
        t.Later(
            """
            INSERT INTO activities (run_id, event_id, activity_id, namespace, task_queue, workflow_id, workflow_type, priority, data,
                state, attempt, visible_at, scheduled_at, attempt_scheduled_at, start_to_close, heartbeat, start_deadline, close_deadline, deadline)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 1, $10, $10, $10, $11, $12, $13::timestamptz, $14::timestamptz,
                LEAST($13::timestamptz, $14::timestamptz))
            """,
            run.RunId, command.EventId, data.Id, run.Namespace, data.TaskQueue, run.WorkflowId, run.WorkflowType, data.PriorityKey ?? 3,
            Json.Write(data), t.Now, data.StartToClose, data.Heartbeat, t.Now + data.ScheduleToStart, t.Now + data.ScheduleToClose);
        t.Wake(Wakeups.ActivityTasks(run.Namespace, data.TaskQueue!));
        foreach (var deadline in new[] { data.ScheduleToStart, data.ScheduleToClose }.OfType<TimeSpan>())
        {
            t.Engine.Poke(t.Now + deadline);
        }
    }

    private static async Task CancelActivityAsync(Transaction t, ExecutionRow run, long eventId)
    {
        var waiting = await t.ReadAsync(
            r => r.GetInt64(0),
            "DELETE FROM activities WHERE run_id = $1 AND event_id = $2 AND state = 0 RETURNING event_id",
            run.RunId, eventId).ConfigureAwait(false);
        if (waiting.Count > 0)
        {
            t.Post(run, EventType.ActivityTaskCanceled, new EventData { Ref = eventId });
        }
        else
        {
            t.Later("UPDATE activities SET cancel_requested = true WHERE run_id = $1 AND event_id = $2", run.RunId, eventId);
        }
    }

    private static async Task StartChildAsync(Transaction t, ExecutionRow run, Command command)
    {
        var data = command.Data;
        var policy = (WorkflowIdReusePolicy)(data.Reuse ?? 0);
        var existing = await FindAsync(t, run.Namespace, data.Id!, null).ConfigureAwait(false);
        var parentStart = Json.Read<EventData>((await t.ReadAsync(
            r => r.GetString(0), "SELECT data FROM events WHERE run_id = $1 AND event_id = 1", run.RunId).ConfigureAwait(false))[0]);
        var child = new NewRun(run.Namespace, data.Id!, Guid.NewGuid().ToString(), new EventData
        {
            Name = data.Name,
            Args = data.Args,
            Headers = data.Headers,
            TaskQueue = data.TaskQueue,
            ExecutionTimeout = data.ExecutionTimeout,
            RunTimeout = data.RunTimeout,
            TaskTimeout = data.TaskTimeout,
            RetryPolicy = data.RetryPolicy,
            Memo = data.Memo,
            Attributes = data.Attributes,
            PriorityKey = data.PriorityKey,
            Summary = data.Summary,
            Details = data.Details,
            ParentId = run.WorkflowId,
            ParentRunId = run.RunId,
            RootId = parentStart.RootId ?? run.WorkflowId,
            RootRunId = parentStart.RootRunId ?? run.RunId,
        })
        {
            ParentEvent = command.EventId,
            ParentPolicy = data.Policy,
        };
        if (MayUse(policy, existing) && await CreateRunAsync(t, child).ConfigureAwait(false))
        {
            t.Post(run, EventType.ChildWorkflowExecutionStarted, new EventData { Ref = command.EventId, Id = data.Id, RunId = child.RunId, Name = data.Name });
        }
        else
        {
            t.Post(run, EventType.StartChildWorkflowExecutionFailed, new EventData { Ref = command.EventId, Id = data.Id, RunId = existing?.RunId, Name = data.Name });
        }
    }

    /// <summary>Does the policy let an id be used again after its last run?</summary>
    public static bool MayUse(WorkflowIdReusePolicy policy, ExecutionRow? last) => last == null || (last.Status != WorkflowExecutionStatus.Running && policy switch
    {
        WorkflowIdReusePolicy.RejectDuplicate => false,
        WorkflowIdReusePolicy.AllowDuplicateFailedOnly => last.Status is WorkflowExecutionStatus.Failed or WorkflowExecutionStatus.Canceled or
            WorkflowExecutionStatus.Terminated or WorkflowExecutionStatus.TimedOut,
        _ => true,
    });
}
