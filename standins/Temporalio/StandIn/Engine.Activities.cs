using Npgsql;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Common;

namespace Temporalio.StandIn;

/// <summary>A row of activities.</summary>
internal sealed record ActivityRow(
    string RunId, long EventId, string ActivityId, string Namespace, string TaskQueue, string WorkflowId, string WorkflowType,
    EventData Data, int State, int Attempt, DateTime ScheduledAt, DateTime AttemptScheduledAt, DateTime? StartedAt, string? Identity,
    TimeSpan? StartToClose, TimeSpan? Heartbeat, DateTime? StartDeadline, DateTime? CloseDeadline, DateTime? Deadline,
    string? HeartbeatDetails, bool CancelRequested, long Token, string? LastFailure)
{
    public const string Columns = """
        run_id, event_id, activity_id, namespace, task_queue, workflow_id, workflow_type, data, state, attempt, scheduled_at,
        attempt_scheduled_at, started_at, identity, start_to_close, heartbeat, start_deadline, close_deadline, deadline,
        heartbeat_details, cancel_requested, token, last_failure
        """;

    public static ActivityRow Read(NpgsqlDataReader r) => new(
        r.GetString(0), r.GetInt64(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6),
        Json.Read<EventData>(r.GetString(7)), r.GetInt16(8), r.GetInt32(9), r.GetDateTime(10), r.GetDateTime(11), r.Time(12), r.Text(13),
        r.Span(14), r.Span(15), r.Time(16), r.Time(17), r.Time(18), r.Text(19), r.GetBoolean(20), r.GetInt64(21), r.Text(22));
}

/// <summary>Activities: scheduled by workflow tasks, taken by workers, ended by results, failures and time-outs.</summary>
internal sealed partial class Engine
{
    private const string TakenSql =
        """
        ctid = ANY(ARRAY(
            SELECT ctid FROM activities WHERE namespace = $1 AND task_queue = $2 AND state = 0 AND visible_at <= $3
            ORDER BY priority, visible_at LIMIT $5 FOR NO KEY UPDATE SKIP LOCKED))
        """;

    private static readonly RetryPolicy DefaultRetry = new() { MaximumInterval = TimeSpan.FromSeconds(100) };

    public async Task<(List<ActivityRow> Tasks, DateTime? Next)> TakeActivitiesAsync(
        string ns, string queue, string identity, int owner, int limit, CancellationToken token)
    {
        // Tokens are random, so that a start that a crashed server forgets harms nobody.
        var (now, taking) = (Clock.Now, Random.Shared.NextInt64(1, long.MaxValue));
        var (taken, next) = await BatchAsync(
            async reader =>
            {
                await reader.NextResultAsync(token).ConfigureAwait(false);
                var rows = await reader.RowsAsync(ActivityRow.Read, token).ConfigureAwait(false);
                await reader.NextResultAsync(token).ConfigureAwait(false);
                return (rows, (await reader.RowsAsync(r => r.Time(0), token).ConfigureAwait(false))[0]);
            },
            again =>
            [
                (NoWaitForDiskSql, []),
                (
                $"""
                UPDATE activities SET state = 1, token = $6, started_at = $3, identity = $4, owner = $7,
                    deadline = LEAST(close_deadline, $3 + start_to_close, $3 + heartbeat)
                WHERE {(again ? "token = $6 AND state = 1" : TakenSql)}
                RETURNING {ActivityRow.Columns}
                """,
                [ns, queue, now, identity, limit, taking, owner]),
                ("SELECT min(visible_at) FROM activities WHERE namespace = $1 AND task_queue = $2 AND state = 0", [ns, queue]),
            ],
            token).ConfigureAwait(false);
        foreach (var due in taken.Select(r => r.Deadline).OfType<DateTime>())
        {
            Poke(due);
        }
        return (taken, next);
    }

    /// <summary>Keeps details and moves the deadline; null when the attempt is no longer the one that counts.</summary>
    public async Task<bool?> HeartbeatAsync(ActivityRow activity, string? details, CancellationToken token)
    {
        if (Limits.Exceeds(details))
        {
            await FailActivityAsync(activity, Limits.Heartbeat, null, token).ConfigureAwait(false);
            return null;
        }
        var rows = await ReadAsync(
            r => r.GetBoolean(0),
            """
            UPDATE activities SET heartbeat_details = COALESCE($4, heartbeat_details),
                deadline = LEAST(close_deadline, started_at + start_to_close, $5 + heartbeat)
            WHERE run_id = $1 AND event_id = $2 AND token = $3 AND state = 1 RETURNING cancel_requested
            """,
            [activity.RunId, activity.EventId, activity.Token, details, Clock.Now],
            token).ConfigureAwait(false);
        return rows.Count == 0 ? null : rows[0];
    }

    public Task CompleteActivityAsync(ActivityRow activity, Payload[]? result, CancellationToken token) => Limits.Exceeds(result)
        ? FailActivityAsync(activity, Limits.Result, null, token)
        : EndActivityAsync(activity, EventType.ActivityTaskCompleted, new EventData { Args = result }, token);

    public Task CancelActivityAsync(ActivityRow activity, Payload[]? details, CancellationToken token) =>
        EndActivityAsync(activity, EventType.ActivityTaskCanceled, new EventData { Args = details }, token);

    /// <summary>Ends an attempt that failed: there is another one, or the workflow hears of it.</summary>
    public Task FailActivityAsync(ActivityRow activity, Failure failure, string? heartbeatDetails, CancellationToken token) => TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(activity.RunId).ConfigureAwait(false)).SingleOrDefault();
            var row = (await t.ReadAsync(
                ActivityRow.Read,
                $"SELECT {ActivityRow.Columns} FROM activities WHERE run_id = $1 AND event_id = $2 AND token = $3 AND state = 1 FOR NO KEY UPDATE",
                activity.RunId, activity.EventId, activity.Token).ConfigureAwait(false)).SingleOrDefault();
            if (row != null && run is { Status: WorkflowExecutionStatus.Running })
            {
                EndAttempt(t, run, row with { HeartbeatDetails = heartbeatDetails ?? row.HeartbeatDetails }, failure, EventType.ActivityTaskFailed);
            }
        },
        token);

    /// <summary>Looks at an activity whose deadline may have passed.</summary>
    public Task TimeOutActivityAsync(string runId, long eventId, CancellationToken token) => TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(runId).ConfigureAwait(false)).SingleOrDefault();
            var row = (await t.ReadAsync(
                ActivityRow.Read,
                $"SELECT {ActivityRow.Columns} FROM activities WHERE run_id = $1 AND event_id = $2 AND deadline <= $3 FOR NO KEY UPDATE",
                runId, eventId, t.Now).ConfigureAwait(false)).SingleOrDefault();
            if (row == null || run is not { Status: WorkflowExecutionStatus.Running })
            {
                return;
            }
            var type = row.CloseDeadline <= t.Now ? TimeoutType.ScheduleToClose
                : row.State == 0 ? TimeoutType.ScheduleToStart
                : row.StartedAt + row.StartToClose <= t.Now ? TimeoutType.StartToClose
                : TimeoutType.Heartbeat;
            EndAttempt(t, run, row, TimedOut(type, row), EventType.ActivityTaskTimedOut);
        },
        token);

    /// <summary>Ends an attempt whose process is gone: nothing will be heard of it any more.</summary>
    private Task AbandonActivityAsync(string runId, long eventId, int owner, CancellationToken token) => TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(runId).ConfigureAwait(false)).SingleOrDefault();
            var row = (await t.ReadAsync(
                ActivityRow.Read,
                $"SELECT {ActivityRow.Columns} FROM activities WHERE run_id = $1 AND event_id = $2 AND owner = $3 AND state = 1 FOR NO KEY UPDATE",
                runId, eventId, owner).ConfigureAwait(false)).SingleOrDefault();
            if (row != null && run is { Status: WorkflowExecutionStatus.Running })
            {
                EndAttempt(t, run, row, TimedOut(row.Heartbeat == null ? TimeoutType.StartToClose : TimeoutType.Heartbeat, row), EventType.ActivityTaskTimedOut);
            }
        },
        token);

    private static Failure TimedOut(TimeoutType type, ActivityRow row) => new()
    {
        Message = $"activity {type} timeout",
        Timeout = new(type, row.HeartbeatDetails == null ? null : Json.Read<Payload[]>(row.HeartbeatDetails)),
        Cause = row.State == 0 && row.LastFailure != null ? Json.Read<Failure>(row.LastFailure) : null,
    };

    private static void EndAttempt(Transaction t, ExecutionRow run, ActivityRow row, Failure failure, EventType type)
    {
        var (state, delay) = Next(t, row, failure);
        if (delay is { } wait)
        {
            t.Later(
                """
                UPDATE activities SET state = 0, attempt = attempt + 1, token = 0, started_at = NULL, identity = NULL, visible_at = $3,
                    attempt_scheduled_at = $4, last_failure = $5, heartbeat_details = $6, deadline = close_deadline, start_deadline = NULL
                WHERE run_id = $1 AND event_id = $2
                """,
                row.RunId, row.EventId, t.Now + wait, t.Now, Json.Write(failure), row.HeartbeatDetails);
            t.Wake(Wakeups.ActivityTasks(row.Namespace, row.TaskQueue));
            return;
        }
        t.Later("DELETE FROM activities WHERE run_id = $1 AND event_id = $2", row.RunId, row.EventId);
        t.Post(run, type, new EventData
        {
            Ref = row.EventId,
            Failure = failure,
            RetryState = state,
            Attempt = row.Attempt,
            At = row.StartedAt,
            Identity = row.Identity,
        });
    }

    /// <summary>The wait before the next attempt, or why there is none.</summary>
    private static (RetryState State, TimeSpan? Delay) Next(Transaction t, ActivityRow row, Failure failure)
    {
        var policy = row.Data.RetryPolicy ?? DefaultRetry;
        if (failure.Timeout is { Type: TimeoutType.ScheduleToClose or TimeoutType.ScheduleToStart })
        {
            return (failure.Timeout.Type == TimeoutType.ScheduleToClose ? RetryState.Timeout : RetryState.NonRetryableFailure, null);
        }
        var name = failure.Timeout is { } timeout ? $"TemporalTimeout:{timeout.Type}" : failure.Application?.Type;
        if (failure is { Application.NonRetryable: true } or { Server.NonRetryable: true } || (name != null && policy.NonRetryableErrorTypes?.Contains(name) == true))
        {
            return (RetryState.NonRetryableFailure, null);
        }
        if (row.CancelRequested)
        {
            return (RetryState.CancelRequested, null);
        }
        if (policy.DelayAfter(row.Attempt) is not { } delay)
        {
            return (RetryState.MaximumAttemptsReached, null);
        }
        delay = failure.Application?.NextRetryDelay ?? delay;
        return row.CloseDeadline is { } last && t.Now + delay >= last ? (RetryState.Timeout, null) : (RetryState.InProgress, delay);
    }

    /// <summary>
    /// Ends an attempt, in one statement: first the run is locked, as everybody does. What the statement sees of the run may be older than that lock, so that no
    /// condition on it may keep the run from being updated.
    /// </summary>
    private async Task EndActivityAsync(ActivityRow activity, EventType type, EventData data, CancellationToken token)
    {
        var ended = data with
        {
            Ref = activity.EventId,
            At = activity.StartedAt,
            Attempt = activity.Attempt,
            Identity = activity.Identity,
        };
        var told = await ReadAsync(
            r => Wakeups.WorkflowTasks(r.GetString(0), r.GetString(1)),
            """
            WITH run AS (SELECT run_id, status FROM executions WHERE run_id = $1 FOR NO KEY UPDATE),
            ended AS (DELETE FROM activities a USING run WHERE a.run_id = run.run_id AND a.event_id = $2 AND a.token = $3 AND a.state = 1 RETURNING a.run_id),
            posted AS (
                INSERT INTO inbox (run_id, type, time, data) SELECT run_id, $4, $5, $6 FROM run JOIN ended USING (run_id) WHERE status = 1 RETURNING run_id)
            UPDATE executions e SET task_pending = true, task_at = CASE WHEN task_pending THEN task_at ELSE $5 END
            FROM posted WHERE e.run_id = posted.run_id RETURNING e.namespace, e.task_queue
            """,
            [activity.RunId, activity.EventId, activity.Token, (short)type, Clock.Now, Json.Write(ended)],
            token).ConfigureAwait(false);
        Wake(told);
    }
}
