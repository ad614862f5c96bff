using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>
/// Does what is due: timers, time-outs, leases of dead workers. Every process has one; each thing is locked and looked at again
/// before it is done, so several sweepers are as good as one.
/// </summary>
internal sealed class Sweeper
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly Engine engine;
    private readonly SemaphoreSlim poked = new(0);
    private long wakeAt = long.MaxValue;
    private DateTime nextCensus;

    public Sweeper(Engine engine)
    {
        this.engine = engine;
        Completion = Task.Run(RunAsync);
    }

    public Task Completion { get; }

    /// <summary>Something will be due then; sleep no longer.</summary>
    public void Poke(DateTime due)
    {
        if (due.Ticks < Interlocked.Read(ref wakeAt))
        {
            poked.Release();
        }
    }

    private async Task RunAsync()
    {
        while (!engine.Stopped.IsCancellationRequested)
        {
            try
            {
                var next = await SweepAsync().ConfigureAwait(false);
                var wait = next is { } due ? due - engine.Clock.Now : Pause;
                wait = wait < Pause ? wait : Pause;
                if (engine.Skipping is { } skipping)
                {
                    await skipping.SkipAsync().ConfigureAwait(false);
                    wait = wait < TimeSkipping.Pause ? wait : TimeSkipping.Pause;
                }
                if (wait > TimeSpan.Zero)
                {
                    Interlocked.Exchange(ref wakeAt, (engine.Clock.Now + wait).Ticks);
                    await poked.WaitAsync(wait, engine.Stopped).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (engine.Stopped.IsCancellationRequested)
            {
                return;
            }
            catch (Exception) when (!engine.Stopped.IsCancellationRequested)
            {
                // The database is away or was dropped; look again later.
                await Task.Delay(Pause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task<DateTime?> SweepAsync()
    {
        Interlocked.Exchange(ref wakeAt, DateTime.MinValue.Ticks);
        var now = engine.Clock.Now;
        var due = await engine.ReadAsync(
            r => (Kind: r.GetInt32(0), RunId: r.GetString(1), EventId: r.GetInt64(2), At: r.GetDateTime(3)),
            """
            (SELECT 1, run_id, event_id, fire_at FROM timers ORDER BY fire_at LIMIT 200) UNION ALL
            (SELECT 2, run_id, event_id, deadline FROM activities WHERE deadline IS NOT NULL ORDER BY deadline LIMIT 200) UNION ALL
            (SELECT 3, run_id, 0, lease_until FROM executions WHERE lease_owner IS NOT NULL ORDER BY lease_until LIMIT 50) UNION ALL
            (SELECT 4, run_id, 0, deadline FROM executions WHERE status = 1 AND deadline IS NOT NULL ORDER BY deadline LIMIT 50)
            """,
            [],
            engine.Stopped).ConfigureAwait(false);
        foreach (var group in due.Where(d => d.Kind == 1 && d.At <= now).GroupBy(d => d.RunId))
        {
            await FireTimersAsync(group.Key).ConfigureAwait(false);
        }
        foreach (var activity in due.Where(d => d.Kind == 2 && d.At <= now))
        {
            await engine.TimeOutActivityAsync(activity.RunId, activity.EventId, engine.Stopped).ConfigureAwait(false);
        }
        foreach (var run in due.Where(d => d.Kind == 3 && d.At <= now))
        {
            await ExpireLeaseAsync(run.RunId).ConfigureAwait(false);
        }
        foreach (var run in due.Where(d => d.Kind == 4 && d.At <= now))
        {
            await TimeOutRunAsync(run.RunId).ConfigureAwait(false);
        }
        if (now >= nextCensus)
        {
            nextCensus = now + TimeSpan.FromSeconds(0.7);
            await BuryDeadWorkersAsync().ConfigureAwait(false);
            await engine.ApplyParentClosePolicyAsync(null, engine.Stopped).ConfigureAwait(false);
        }
        return due.Where(d => d.At > now).Select(d => (DateTime?)d.At).Min();
    }

    private Task FireTimersAsync(string runId) => engine.TransactAsync(
        async t =>
        {
            var run = (await t.LockAsync(runId).ConfigureAwait(false)).SingleOrDefault();
            var fired = await t.ReadAsync(
                r => (EventId: r.GetInt64(0), Id: r.GetString(1)),
                """
                WITH f AS (DELETE FROM timers WHERE run_id = $1 AND fire_at <= $2 RETURNING event_id, id, fire_at)
                SELECT event_id, id FROM f ORDER BY fire_at, event_id
                """,
                runId, t.Now).ConfigureAwait(false);
            if (run is { Status: WorkflowExecutionStatus.Running })
            {
                foreach (var (eventId, id) in fired)
                {
                    t.Post(run, EventType.TimerFired, new EventData { Ref = eventId, Id = id });
                }
            }
        },
        engine.Stopped);

    private Task ExpireLeaseAsync(string runId) => engine.TransactAsync(
        async t =>
        {
            var freed = await t.ReadAsync(
                ExecutionRow.Read,
                $"""
                UPDATE executions SET lease_owner = NULL, lease_until = NULL, sticky_owner = NULL, task_pending = true, task_at = $2
                WHERE run_id = $1 AND lease_owner IS NOT NULL AND lease_until <= $2 RETURNING {ExecutionRow.Columns}
                """,
                runId, t.Now).ConfigureAwait(false);
            freed.ForEach(r => t.Wake(Wakeups.WorkflowTasks(r.Namespace, r.TaskQueue)));
        },
        engine.Stopped);

    private Task TimeOutRunAsync(string runId)
    {
        var failure = new Failure { Message = "Workflow timed out", Timeout = new(TimeoutType.StartToClose, null) };
        return engine.StopRunAsync(
            runId,
            WorkflowExecutionStatus.TimedOut,
            EventType.WorkflowExecutionTimedOut,
            new EventData { Failure = failure, RetryState = RetryState.Timeout },
            run => run.Deadline <= engine.Clock.Now,
            engine.Stopped);
    }

    /// <summary>
    /// A worker is dead when its lock was free twice in a row: once may be a reconnection. That of a process of this machine is dead when the process is.
    /// </summary>
    private async Task BuryDeadWorkersAsync()
    {
        var dead = await engine.ReadAsync(
            r => (Key: r.GetInt32(0), Suspect: r.Time(1), Alive: r.GetBoolean(2), Long: r.GetBoolean(3), Process: r.Text(4)),
            """
            SELECT key, suspect_at, EXISTS (
                SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = $1::int::oid AND l.objid = w.key::oid AND l.granted
                    AND l.objsubid = 2 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())),
                coalesce(suspect_at < clock_timestamp() - interval '600 ms', false), process
            FROM workers w
            """,
            [Listener.LockClass],
            engine.Stopped).ConfigureAwait(false);
        foreach (var worker in dead)
        {
            if (worker.Process != null && ProcessMark.IsDead(worker.Process))
            {
                await engine.BuryWorkerAsync(worker.Key, engine.Stopped).ConfigureAwait(false);
            }
            else if (worker.Alive)
            {
                if (worker.Suspect != null)
                {
                    await engine.ExecuteAsync("UPDATE workers SET suspect_at = NULL WHERE key = $1", [worker.Key], engine.Stopped).ConfigureAwait(false);
                }
            }
            else if (worker.Suspect == null)
            {
                await engine.ExecuteAsync("UPDATE workers SET suspect_at = clock_timestamp() WHERE key = $1", [worker.Key], engine.Stopped).ConfigureAwait(false);
            }
            else if (worker.Long)
            {
                await engine.RemoveWorkerAsync(worker.Key, engine.Stopped).ConfigureAwait(false);
            }
        }
    }
}
