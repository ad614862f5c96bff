using Temporalio.Api.Common.V1;

namespace Temporalio.StandIn;

/// <summary>Queries: rows that a worker answers.</summary>
internal sealed partial class Engine
{
    // Whoever took it may not have learnt that it did: then it is taken again. Answering twice changes nothing.
    private static readonly TimeSpan QueryLease = TimeSpan.FromSeconds(5);

    public Task<List<QueryRow>> TakeQueriesAsync(string ns, string queue, int worker, int limit, TimeSpan sticky, CancellationToken token) => ReadAsync(
        r => new QueryRow(r.GetString(0), r.GetString(1), r.GetString(2), Json.Read<Payload[]>(r.GetString(3))),
        """
        UPDATE queries SET state = 1, owner = $3, visible_at = $4 + $7 WHERE id = ANY(ARRAY(
            SELECT q.id FROM queries q JOIN executions e ON e.run_id = q.run_id
            WHERE q.namespace = $1 AND q.task_queue = $2 AND q.state < 2 AND q.visible_at <= $4
                AND (e.sticky_owner IS NULL OR e.sticky_owner = $3 OR q.visible_at + $6 <= $4)
            LIMIT $5 FOR UPDATE OF q SKIP LOCKED))
        RETURNING id, run_id, name, args
        """,
        [ns, queue, worker, Clock.Now, limit, sticky, QueryLease],
        token);

    public Task AnswerQueryAsync(QueryRow query, Payload? result, string? failure, CancellationToken token) => TransactAsync(
        t =>
        {
            t.Later(
                "UPDATE queries SET state = 2, result = $2, failure = $3 WHERE id = $1",
                query.Id, result == null ? null : Json.Write(result), failure);
            t.Wake(Wakeups.Run(query.Id));
            return Task.CompletedTask;
        },
        token);

    /// <summary>Somebody works on the workflow right now; ask again in a moment.</summary>
    public Task DeferQueryAsync(QueryRow query, TimeSpan wait, CancellationToken token) => ExecuteAsync(
        "UPDATE queries SET state = 0, owner = NULL, visible_at = $2 WHERE id = $1 AND state = 1", [query.Id, Clock.Now + wait], token);
}
