using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>Runs: how they begin and end.</summary>
internal sealed partial class Engine
{
    /// <summary>What a run is besides its start event.</summary>
    internal sealed record NewRun(string Namespace, string WorkflowId, string RunId, EventData Start)
    {
        public string? RequestId { get; init; }

        public TimeSpan Delay { get; init; }

        public long? ParentEvent { get; init; }

        public int? ParentPolicy { get; init; }
    }

    /// <summary>Inserts a run with its start event; false when the workflow id is running.</summary>
    public static async Task<bool> CreateRunAsync(Transaction t, NewRun run)
    {
        var start = run.Start with
        {
            // Replay from a file knows only the events.
            Id = run.WorkflowId,
            RunId = run.RunId,
            Namespace = run.Namespace,
            FirstRunId = run.Start.FirstRunId ?? run.RunId,
            FirstStart = run.Start.FirstStart ?? t.Now,
            ExecutionDeadline = run.Start.ExecutionDeadline ?? t.Now + run.Start.ExecutionTimeout,
        };
        var executionTime = t.Now + run.Delay;
        DateTime? deadline = start.RunTimeout is { } limit ? executionTime + limit : null;
        if (start.ExecutionDeadline is { } last && (deadline == null || last < deadline))
        {
            deadline = last;
        }
        var data = Json.Write(start);
        var inserted = await t.ReadAsync(
            r => r.GetString(0),
            """
            INSERT INTO executions (run_id, namespace, workflow_id, workflow_type, task_queue, status, first_run_id, attempt, request_id,
                parent_id, parent_run_id, parent_event, parent_policy, start_time, execution_time, deadline, task_timeout,
                history_length, history_size, memo, attributes, summary, details, task_pending, task_at)
            VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1, $17, $18, $19::jsonb, $20, $21, true, $14)
            ON CONFLICT (namespace, workflow_id) WHERE status = 1 DO NOTHING RETURNING run_id
            """,
            run.RunId, run.Namespace, run.WorkflowId, start.Name, start.TaskQueue, start.FirstRunId, start.Attempt ?? 1, run.RequestId,
            start.ParentId, start.ParentRunId, run.ParentEvent, (short?)run.ParentPolicy, t.Now, executionTime, deadline,
            (start.TaskTimeout ?? TimeSpan.FromSeconds(10)).TotalSeconds, (long)data.Length, Json.Write(start.Memo ?? []),
            Json.Write(start.Attributes ?? []), start.Summary, start.Details).ConfigureAwait(false);
        if (inserted.Count == 0)
        {
            return false;
        }
        t.Later(
            "INSERT INTO events (run_id, event_id, type, time, data) VALUES ($1, 1, $2, $3, $4)",
            run.RunId, (short)EventType.WorkflowExecutionStarted, t.Now, data);
        t.Wake(Wakeups.WorkflowTasks(run.Namespace, start.TaskQueue!));
        if (deadline is { } due)
        {
            t.Engine.Poke(due);
        }
        return true;
    }

    /// <summary>The run that an id means: the given one, else the running one, else the last one.</summary>
    public async Task<ExecutionRow?> FindAsync(string ns, string workflowId, string? runId, CancellationToken token = default) =>
        (await ReadAsync(ExecutionRow.Read, FindSql, [ns, workflowId, runId], token).ConfigureAwait(false)).FirstOrDefault();

    public static async Task<ExecutionRow?> FindAsync(Transaction t, string ns, string workflowId, string? runId) =>
        (await t.ReadAsync(ExecutionRow.Read, FindSql, ns, workflowId, runId).ConfigureAwait(false)).FirstOrDefault();

    /// <summary>Locks the run that an id means; one that ended while the lock was waited for comes as it is now.</summary>
    public static async Task<ExecutionRow?> LockAsync(Transaction t, string ns, string workflowId, string? runId) =>
        (await t.ReadAsync(ExecutionRow.Read, $"{FindSql} FOR NO KEY UPDATE", ns, workflowId, runId).ConfigureAwait(false)).FirstOrDefault();

    private static readonly string FindSql = $"""
        SELECT {ExecutionRow.Columns} FROM executions
        WHERE namespace = $1 AND workflow_id = $2 AND ($3::text IS NULL OR run_id = $3)
        ORDER BY (status = 1) DESC, start_time DESC LIMIT 1
        """;

    /// <summary>
    /// Ends a locked run: its last event is written already. A parent that waits (and is among the locked) hears of it unless
    /// another run goes on; children are dealt with by <see cref="ApplyParentClosePolicyAsync"/>.
    /// </summary>
    public static void Close(Transaction t, ExecutionRow run, WorkflowExecutionStatus status, string? newRunId, EventData outcome, ExecutionRow? parent)
    {
        t.Later(
            """
            UPDATE executions SET status = $2, close_time = $3, new_run_id = $4, task_pending = false, lease_owner = NULL,
                lease_until = NULL, sticky_owner = NULL WHERE run_id = $1
            """,
            run.RunId, (short)status, t.Now, newRunId);
        t.Later("DELETE FROM timers WHERE run_id = $1", run.RunId);
        t.Later("DELETE FROM activities WHERE run_id = $1", run.RunId);
        t.Later("DELETE FROM inbox WHERE run_id = $1", run.RunId);
        var lost = new Failure
        {
            Message = "Workflow Update failed because the Workflow completed before the Update completed.",
            Application = new("AcceptedUpdateCompletedWorkflow", true, null, null, default),
        };
        t.Later("UPDATE updates SET state = CASE state WHEN 0 THEN 4 ELSE 2 END, failure = $2 WHERE run_id = $1 AND state < 2", run.RunId, Json.Write(lost));
        t.Wake(Wakeups.Run(run.RunId));
        if (newRunId == null && parent is { Status: WorkflowExecutionStatus.Running } && run.ParentEvent is { } initiated)
        {
            var type = status switch
            {
                WorkflowExecutionStatus.Completed => EventType.ChildWorkflowExecutionCompleted,
                WorkflowExecutionStatus.Canceled => EventType.ChildWorkflowExecutionCanceled,
                WorkflowExecutionStatus.Terminated => EventType.ChildWorkflowExecutionTerminated,
                WorkflowExecutionStatus.TimedOut => EventType.ChildWorkflowExecutionTimedOut,
                _ => EventType.ChildWorkflowExecutionFailed,
            };
            t.Post(parent, type, new EventData
            {
                Ref = initiated,
                Id = run.WorkflowId,
                RunId = run.RunId,
                Name = run.WorkflowType,
                Args = outcome.Args,
                Failure = outcome.Failure,
                RetryState = outcome.RetryState,
            });
        }
    }

    /// <summary>Appends an event to a locked run outside a workflow task: what waits in the inbox goes before it.</summary>
    public static async Task AppendClosingEventAsync(Transaction t, ExecutionRow run, EventType type, EventData data)
    {
        var history = new HistoryWriter(run);
        foreach (var row in await ReadInboxAsync(t, run.RunId).ConfigureAwait(false))
        {
            history.Add(row);
        }
        history.Add(type, t.Now, data);
        history.Write(t);
    }

    /// <summary>Ends a run from outside: termination and time-outs.</summary>
    public async Task<bool> StopRunAsync(
        string runId, WorkflowExecutionStatus status, EventType type, EventData data, Func<ExecutionRow, bool>? still = null,
        CancellationToken token = default)
    {
        var stopped = await TransactAsync(t => StopRunAsync(t, runId, status, type, data, still), token).ConfigureAwait(false);
        if (stopped)
        {
            await ApplyParentClosePolicyAsync(runId, token).ConfigureAwait(false);
        }
        return stopped;
    }

    public static async Task<bool> StopRunAsync(
        Transaction t, string runId, WorkflowExecutionStatus status, EventType type, EventData data, Func<ExecutionRow, bool>? still = null)
    {
        var parentId = await t.ReadAsync(r => r.Text(0), "SELECT parent_run_id FROM executions WHERE run_id = $1", runId).ConfigureAwait(false);
        var locked = await t.LockAsync([runId, .. parentId.OfType<string>()]).ConfigureAwait(false);
        var run = locked.SingleOrDefault(r => r.RunId == runId);
        if (run is not { Status: WorkflowExecutionStatus.Running } || still?.Invoke(run) == false)
        {
            return false;
        }
        await AppendClosingEventAsync(t, run, type, data).ConfigureAwait(false);
        Close(t, run, status, null, data, locked.SingleOrDefault(r => r.RunId == run.ParentRunId));
        return true;
    }

    /// <summary>Terminates or cancels the running children of closed runs; all of them when no run is named.</summary>
    public async Task ApplyParentClosePolicyAsync(string? parentRunId, CancellationToken token = default)
    {
        var children = await ReadAsync(
            r => (RunId: r.GetString(0), Policy: (ParentClosePolicy)r.GetInt16(1)),
            """
            SELECT c.run_id, c.parent_policy FROM executions c JOIN executions p ON p.run_id = c.parent_run_id
            WHERE c.status = 1 AND p.status <> 1 AND ($1::text IS NULL OR p.run_id = $1)
                AND (c.parent_policy = 1 OR (c.parent_policy = 3 AND NOT c.cancel_requested))
            """,
            [parentRunId],
            token).ConfigureAwait(false);
        foreach (var (runId, policy) in children)
        {
            if (policy == ParentClosePolicy.RequestCancel)
            {
                await RequestCancelAsync(runId, null, token).ConfigureAwait(false);
            }
            else
            {
                var data = new EventData { Name = "by parent close policy", Failure = Terminated("by parent close policy", null) };
                await StopRunAsync(
                    runId, WorkflowExecutionStatus.Terminated, EventType.WorkflowExecutionTerminated, data, null, token).ConfigureAwait(false);
            }
        }
    }

    public static Failure Terminated(string? reason, Api.Common.V1.Payload[]? details) => new()
    {
        Message = string.IsNullOrEmpty(reason) ? "Workflow terminated" : reason,
        Terminated = new(details),
    };

    /// <summary>Asks a run to cancel itself; asking twice is asking once.</summary>
    public Task<bool> RequestCancelAsync(string runId, string? firstRunId, CancellationToken token = default) => TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(runId).ConfigureAwait(false)).SingleOrDefault();
            if (run is not { Status: WorkflowExecutionStatus.Running } || (firstRunId != null && run.FirstRunId != firstRunId))
            {
                return false;
            }
            RequestCancel(t, run, null);
            return true;
        },
        token);

    public static void RequestCancel(Transaction t, ExecutionRow run, string? byWorkflowId)
    {
        if (!run.CancelRequested)
        {
            t.Later("UPDATE executions SET cancel_requested = true WHERE run_id = $1", run.RunId);
            t.Post(run, EventType.WorkflowExecutionCancelRequested, new EventData { Id = byWorkflowId }, atOnce: true);
        }
    }

    /// <summary>The next attempt of a failed workflow, when its policy has one.</summary>
    public static NewRun? Retry(ExecutionRow run, EventData start, Failure failure, DateTime now)
    {
        if (start.RetryPolicy is not { } policy || failure.Application is { NonRetryable: true } ||
            (failure.Application?.Type is { } type && policy.NonRetryableErrorTypes?.Contains(type) == true) ||
            (failure.Application?.NextRetryDelay ?? policy.DelayAfter(run.Attempt)) is not { } delay ||
            policy.DelayAfter(run.Attempt) == null || (start.ExecutionDeadline is { } deadline && now + delay >= deadline))
        {
            return null;
        }
        return new NewRun(run.Namespace, run.WorkflowId, Guid.NewGuid().ToString(), start with
        {
            Attempt = run.Attempt + 1,
            ContinuedRunId = run.RunId,
            LastFailure = failure,
            FirstRunId = run.FirstRunId,
        })
        {
            Delay = delay,
            ParentEvent = run.ParentEvent,
            ParentPolicy = run.ParentPolicy,
        };
    }
}
