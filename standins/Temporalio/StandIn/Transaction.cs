using Npgsql;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.History.V1;

namespace Temporalio.StandIn;

/// <summary>One database transaction: statements that need no answer are collected and sent together; who is to be woken hears after the commit.</summary>
internal sealed class Transaction(Engine engine, NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken token)
{
    private readonly HashSet<string> wakeups = new(StringComparer.Ordinal);
    private NpgsqlBatch? batch;

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

    /// <summary>Sends a statement with the next round trip.</summary>
    public void Later(string sql, params object?[] args) =>
        (batch ??= new NpgsqlBatch(connection, transaction)).BatchCommands.Add(Command(sql, args));

    public void Wake(string key) => wakeups.Add(key);

    public async Task FlushAsync()
    {
        if (batch != null)
        {
            var sending = batch;
            batch = null;
            await using (sending.ConfigureAwait(false))
            {
                await sending.ExecuteNonQueryAsync(token).ConfigureAwait(false);
            }
        }
    }

    public async Task<List<T>> ReadAsync<T>(Func<NpgsqlDataReader, T> read, string sql, params object?[] args)
    {
        await FlushAsync().ConfigureAwait(false);
        await using var single = new NpgsqlBatch(connection, transaction);
        single.BatchCommands.Add(Command(sql, args));
        await using var reader = await single.ExecuteReaderAsync(token).ConfigureAwait(false);
        var rows = new List<T>();
        while (await reader.ReadAsync(token).ConfigureAwait(false))
        {
            rows.Add(read(reader));
        }
        return rows;
    }

    /// <summary>Locks runs, in the one order that all lockers keep.</summary>
    public Task<List<ExecutionRow>> LockAsync(params string[] runIds) => ReadAsync(
        ExecutionRow.Read,
        $"SELECT {ExecutionRow.Columns} FROM executions WHERE run_id = ANY($1) ORDER BY run_id FOR NO KEY UPDATE",
        (object)runIds.Distinct().ToArray());

    /// <summary>Puts an event before a locked, running execution and asks for a workflow task.</summary>
    public void Post(ExecutionRow target, EventType type, EventData data)
    {
        Later("INSERT INTO inbox (run_id, type, time, data) VALUES ($1, $2, $3, $4)", target.RunId, (short)type, Now, Json.Write(data));
        AskForTask(target);
    }

    /// <summary>A pending task that already waits keeps its time; one that backs off after a failed attempt keeps its delay.</summary>
    public void AskForTask(ExecutionRow target)
    {
        Later("UPDATE executions SET task_pending = true, task_at = $2 WHERE run_id = $1 AND NOT task_pending", target.RunId, Later(Now, target.ExecutionTime));
        Wake(StandIn.Wakeups.WorkflowTasks(target.Namespace, target.TaskQueue));
    }

    public async Task CommitAsync()
    {
        foreach (var key in wakeups)
        {
            Later("SELECT pg_notify($1, $2)", engine.Channel, $"{engine.Id} {key}");
        }
        await FlushAsync().ConfigureAwait(false);
        await transaction.CommitAsync(token).ConfigureAwait(false);
    }

    private static DateTime Later(DateTime a, DateTime b) => a > b ? a : b;
}
