using Npgsql;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>Workflow tasks: leased by one worker, ended in one transaction.</summary>
internal sealed partial class Engine
{
    // A lease or a start that a crashed server forgets is only taken again, so that such a commit need not reach the disk.
    private const string NoWaitForDiskSql = "SELECT set_config('synchronous_commit', 'off', true)";

    private const string LeasedSql = "executions e ON e.run_id = x.run_id WHERE e.lease_owner = $1 AND e.lease_token = $2";

    /// <summary>Leases up to <paramref name="limit"/> tasks; when there is none, says when the next one is due. Says too whether queries wait.</summary>
    public Task<(List<WorkflowTask> Tasks, DateTime? Next, bool Queries)> LeaseWorkflowTasksAsync(
        string ns, string queue, int worker, int limit, TimeSpan sticky, CancellationToken token) => LeaseAsync(
        worker,
        """
        run_id = ANY(ARRAY(
            SELECT run_id FROM executions
            WHERE namespace = $4 AND task_queue = $5 AND task_pending AND lease_owner IS NULL AND status = 1 AND task_at <= $3
                AND (sticky_owner IS NULL OR sticky_owner = $1 OR task_at + $7 <= $3)
            ORDER BY task_at LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED))
        """,
        [ns, queue, limit, sticky],
        ("""
        SELECT min(CASE WHEN sticky_owner IS NULL OR sticky_owner = $3 THEN task_at ELSE task_at + $4 END), EXISTS (
            SELECT FROM queries WHERE namespace = $1 AND task_queue = $2 AND state < 2 AND visible_at <= $5)
        FROM executions WHERE namespace = $1 AND task_queue = $2 AND task_pending AND lease_owner IS NULL AND status = 1
        """,
        [ns, queue, worker, sticky, Clock.Now]),
        token);

    /// <summary>Leases the task of one run, so that a query sees what has happened; null when there is none to lease.</summary>
    public async Task<WorkflowTask?> LeaseWorkflowTaskAsync(string runId, int worker, CancellationToken token)
    {
        var (tasks, _, _) = await LeaseAsync(
            worker,
            "run_id = $4 AND status = 1 AND task_pending AND lease_owner IS NULL AND task_at <= $3",
            [runId],
            ("SELECT NULL::timestamptz, false", []),
            token).ConfigureAwait(false);
        return tasks.SingleOrDefault();
    }

    public Task<List<HistoryEvent>> HistoryAsync(string runId, CancellationToken token = default) => ReadAsync(
        Event,
        "SELECT event_id, type, time, data FROM events WHERE run_id = $1 ORDER BY event_id",
        [runId],
        token);

    public static Task<List<InboxRow>> ReadInboxAsync(Transaction t, string runId) => t.ReadAsync(
        r => new InboxRow(r.GetInt64(0), (EventType)r.GetInt16(1), r.GetDateTime(2), Json.Read<EventData>(r.GetString(3))),
        "SELECT seq, type, time, data FROM inbox WHERE run_id = $1 ORDER BY seq",
        runId);

    /// <summary>Gives a lease back without a trace, for instance when there was nothing to do or a newer event must be seen first.</summary>
    public Task ReleaseTaskAsync(WorkflowTask task, bool again, CancellationToken token) => TransactAsync(
        t =>
        {
            t.Later(
                $"""
                UPDATE executions SET lease_owner = NULL, lease_until = NULL, task_at = CASE WHEN task_pending THEN task_at ELSE $4 END,
                    task_pending = $3 OR task_pending OR {HasWorkSql}
                WHERE run_id = $1 AND lease_token = $2 AND lease_owner IS NOT NULL
                """,
                task.Execution.RunId, task.Execution.LeaseToken, again, t.Now);
            t.Wake(Wakeups.WorkflowTasks(task.Execution.Namespace, task.Execution.TaskQueue));
            return Task.CompletedTask;
        },
        token);

    /// <summary>Notes a failed workflow task; it is tried again later, with all the history, until the code is mended.</summary>
    /// <param name="cause">As the service names it, where it is the service that refuses what the workflow asks for.</param>
    public Task FailTaskAsync(WorkflowTask task, DateTime started, string? cause, Failure failure, string identity, CancellationToken token) => TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(task.Execution.RunId).ConfigureAwait(false)).SingleOrDefault();
            if (run == null || !Holds(run, task))
            {
                return;
            }
            if (run.TaskAttempt == 0)
            {
                var history = new HistoryWriter(run);
                foreach (var row in task.Inbox)
                {
                    history.Add(row);
                }
                history.Add(EventType.WorkflowTaskScheduled, started, new EventData { TaskQueue = run.TaskQueue, Attempt = 1 });
                history.Add(EventType.WorkflowTaskStarted, started, new EventData { Ref = history.Length, Identity = identity });
                history.Add(EventType.WorkflowTaskFailed, t.Now, new EventData { Name = cause, Ref = history.Length, Failure = failure, Identity = identity });
                history.Write(t);
                t.Later("DELETE FROM inbox WHERE seq = ANY($1)", (object)task.Inbox.Select(r => r.Seq).ToArray());
            }
            var wait = TimeSpan.FromMilliseconds(Math.Min(10_000, 100 * Math.Pow(2, Math.Min(run.TaskAttempt, 10))));
            t.Later(
                """
                UPDATE executions SET lease_owner = NULL, lease_until = NULL, sticky_owner = NULL, task_attempt = task_attempt + 1,
                    task_pending = true, task_at = $2 WHERE run_id = $1
                """,
                run.RunId, t.Now + wait);
            t.Wake(Wakeups.WorkflowTasks(run.Namespace, run.TaskQueue));
        },
        token);

    private const string HasWorkSql =
        "(EXISTS (SELECT 1 FROM inbox i WHERE i.run_id = $1) OR EXISTS (SELECT 1 FROM updates u WHERE u.run_id = $1 AND u.state = 0))";

    public static bool Holds(ExecutionRow run, WorkflowTask task) =>
        run.Status == WorkflowExecutionStatus.Running && run.LeaseOwner != null && run.LeaseToken == task.Execution.LeaseToken;

    /// <summary>Leases what is due ($1 is the worker, $3 the time, more from $4 on), or what a lost answer has leased already, and reads what belongs to it.</summary>
    private Task<(List<WorkflowTask> Tasks, DateTime? Next, bool Queries)> LeaseAsync(
        int worker, string due, object?[] args, (string, object?[]) look, CancellationToken token)
    {
        var (lease, now) = (Random.Shared.NextInt64(), Clock.Now);
        return BatchAsync(ReadAsync, Statements, token);

        (string, object?[])[] Statements(bool again) =>
        [
            (NoWaitForDiskSql, []),
            (
            $"""
            UPDATE executions SET lease_owner = $1, lease_token = $2, task_pending = false,
                lease_until = $3 + make_interval(secs => task_timeout)
            WHERE {(again ? "lease_owner = $1 AND lease_token = $2 AND status = 1" : due)}
            RETURNING {ExecutionRow.Columns}
            """,
            [worker, lease, now, .. args]),
            ($"SELECT x.seq, x.type, x.time, x.data, x.run_id FROM inbox x JOIN {LeasedSql} ORDER BY x.seq", [worker, lease]),
            ($"SELECT x.run_id, x.update_id, x.name, x.args FROM updates x JOIN {LeasedSql} AND x.state = 0 ORDER BY x.created, x.update_id", [worker, lease]),
            ($"SELECT x.event_id, x.type, x.time, x.data, x.run_id FROM events x JOIN {LeasedSql} AND e.history_length = 1", [worker, lease]),
            look,
        ];

        async Task<(List<WorkflowTask>, DateTime?, bool)> ReadAsync(NpgsqlDataReader reader)
        {
            var leased = await NextAsync(ExecutionRow.Read).ConfigureAwait(false);
            var inbox = (await NextAsync(
                r => (RunId: r.GetString(4), Row: new InboxRow(r.GetInt64(0), (EventType)r.GetInt16(1), r.GetDateTime(2), Json.Read<EventData>(r.GetString(3)))))
                .ConfigureAwait(false)).ToLookup(r => r.RunId, r => r.Row);
            var updates = (await NextAsync(
                r => (RunId: r.GetString(0), Row: new UpdateRow(r.GetString(1), r.GetString(2), Json.Read<Payload[]>(r.GetString(3)))))
                .ConfigureAwait(false)).ToLookup(r => r.RunId, r => r.Row);
            var begun = (await NextAsync(r => (RunId: r.GetString(4), Event: Event(r))).ConfigureAwait(false)).ToLookup(r => r.RunId, r => r.Event);
            var (next, queries) = (await NextAsync(r => (r.Time(0), r.GetBoolean(1))).ConfigureAwait(false))[0];
            return (leased.ConvertAll(r => new WorkflowTask(r, [.. inbox[r.RunId]], [.. updates[r.RunId]], [.. begun[r.RunId]])), leased.Count == 0 ? next : null, queries);

            async Task<List<T>> NextAsync<T>(Func<NpgsqlDataReader, T> read)
            {
                await reader.NextResultAsync(token).ConfigureAwait(false);
                return await reader.RowsAsync(read, token).ConfigureAwait(false);
            }
        }
    }

    private static HistoryEvent Event(NpgsqlDataReader r) => new()
    {
        EventId = r.GetInt64(0),
        EventType = (EventType)r.GetInt16(1),
        Time = r.GetDateTime(2),
        Data = Json.Read<EventData>(r.GetString(3)),
    };
}
