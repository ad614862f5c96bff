namespace Temporalio.StandIn;

/// <summary>Workers: each has a key, and an advisory lock on it as long as it lives.</summary>
internal sealed partial class Engine
{
    public async Task<int> AddWorkerAsync(CancellationToken token)
    {
        await ReadyAsync(token).ConfigureAwait(false);
        var key = Random.Shared.Next(1, int.MaxValue);
        await Listener.RegisterAsync(key).ConfigureAwait(false);
        return key;
    }

    /// <summary>
    /// Frees what a worker of a dead process held, its activities too. They run in no process any more, so that they need not wait for their heartbeat's
    /// time-out, as they must where a worker is merely out of reach.
    /// </summary>
    public async Task BuryWorkerAsync(int key, CancellationToken token)
    {
        var left = await ReadAsync(
            r => (RunId: r.GetString(0), EventId: r.GetInt64(1)),
            "SELECT run_id, event_id FROM activities WHERE owner = $1 AND state = 1 ORDER BY run_id, event_id",
            [key],
            token).ConfigureAwait(false);
        foreach (var (runId, eventId) in left)
        {
            await AbandonActivityAsync(runId, eventId, key, token).ConfigureAwait(false);
        }
        await RemoveWorkerAsync(key, token).ConfigureAwait(false);
    }

    /// <summary>Frees all that a worker held: leases go to whoever comes first, sticky workflows to everybody.</summary>
    public async Task RemoveWorkerAsync(int key, CancellationToken token)
    {
        Listener.Unregister(key);
        await TransactAsync(
            async t =>
            {
                var freed = await t.ReadAsync(
                    ExecutionRow.Read,
                    $"""
                    UPDATE executions SET task_pending = task_pending OR lease_owner IS NOT NULL,
                        task_at = CASE WHEN lease_owner IS NOT NULL THEN $2 ELSE task_at END,
                        lease_owner = NULL, lease_until = NULL, sticky_owner = NULL
                    WHERE run_id = ANY(ARRAY(SELECT run_id FROM executions WHERE lease_owner = $1 OR sticky_owner = $1
                        ORDER BY run_id FOR NO KEY UPDATE))
                    RETURNING {ExecutionRow.Columns}
                    """,
                    key, t.Now).ConfigureAwait(false);
                t.Later("UPDATE queries SET state = 0, owner = NULL, visible_at = $2 WHERE owner = $1 AND state = 1", key, t.Now);
                t.Later("DELETE FROM workers WHERE key = $1", key);
                foreach (var run in freed)
                {
                    t.Wake(Wakeups.WorkflowTasks(run.Namespace, run.TaskQueue));
                }
            },
            token).ConfigureAwait(false);
    }
}
