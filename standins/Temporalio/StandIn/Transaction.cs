using Npgsql;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>
/// One database transaction: statements that need no answer are collected and sent with the next one that does, the beginning and the end too; who is to be
/// woken hears after the commit. A connection that goes back to its pool without a commit is rolled back there.
/// </summary>
internal sealed class Transaction(Engine engine, NpgsqlConnection connection, CancellationToken token)
{
    private readonly HashSet<string> wakeups = new(StringComparer.Ordinal);
    private NpgsqlBatch? batch = new(connection) { BatchCommands = { new("BEGIN") } };

    public Engine Engine => engine;

    public DateTime Now { get; } = engine.Clock.Now;

    public IReadOnlyCollection<string> Wakeups => wakeups;

    public static NpgsqlBatchCommand Command(string sql, params object?[] args)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var arg in args)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = arg ?? DBNull.Value });
        }
        return command;
    }

    /// <summary>Sends a statement that returns no rows with the next round trip.</summary>
    public void Later(string sql, params object?[] args) => (batch ??= new NpgsqlBatch(connection)).BatchCommands.Add(Command(sql, args));

    public void Wake(string key) => wakeups.Add(key);

    public async Task<List<T>> ReadAsync<T>(Func<NpgsqlDataReader, T> read, string sql, params object?[] args)
    {
        Later(sql, args);
        await using var sending = batch!;
        batch = null;
        await using var reader = await sending.ExecuteReaderAsync(token).ConfigureAwait(false);
        return await reader.RowsAsync(read, token).ConfigureAwait(false);
    }

    /// <summary>Locks runs, in the one order that all lockers keep.</summary>
    public Task<List<ExecutionRow>> LockAsync(params string[] runIds) => ReadAsync(
        ExecutionRow.Read,
        $"SELECT {ExecutionRow.Columns} FROM executions WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE",
        (object)runIds.Distinct().ToArray());

    /// <summary>Puts an event before a locked, running execution and asks for a workflow task.</summary>
    public void Post(ExecutionRow target, EventType type, EventData data, bool atOnce = false)
    {
        Later("INSERT INTO inbox (run_id, type, time, data) VALUES ($1, $2, $3, $4)", target.RunId, (short)type, Now, Json.Write(data));
        AskForTask(target, atOnce);
    }

    /// <summary>
    /// A pending task that already waits keeps its time; one that backs off after a failed attempt keeps its delay. That of a run whose start is delayed comes
    /// <paramref name="atOnce"/> if asked.
    /// </summary>
    public void AskForTask(ExecutionRow target, bool atOnce = false)
    {
        var delayed = atOnce && target.HistoryLength == 1 && target.ExecutionTime > Now;
        Later("UPDATE executions SET task_pending = true, task_at = $2 WHERE run_id = $1 AND (NOT task_pending OR $3)", target.RunId, Now, delayed);
        Wake(StandIn.Wakeups.WorkflowTasks(target.Namespace, target.TaskQueue));
    }

    public async Task CommitAsync()
    {
        Later("COMMIT");
        await using var sending = batch!;
        await sending.ExecuteNonQueryAsync(token).ConfigureAwait(false);
    }
}
