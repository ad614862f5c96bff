using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Client;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>Queries and updates: messages that are answered.</summary>
internal sealed partial class Calls
{
    public Task<TResult> QueryAsync<TResult>(
        string id, string? runId, string name, IReadOnlyCollection<object?> args, WorkflowQueryOptions? options) =>
        LimitedAsync(options?.Rpc, TimeSpan.FromSeconds(30), token => QueryAsync<TResult>(id, runId, name, args, options, token));

    private async Task<TResult> QueryAsync<TResult>(
        string id, string? runId, string name, IReadOnlyCollection<object?> args, WorkflowQueryOptions? options, CancellationToken token)
    {
        var row = await RunAsync(id, runId, token).ConfigureAwait(false);
        var reject = options?.RejectCondition ?? client.Options.QueryRejectCondition ?? QueryRejectCondition.None;
        if ((reject == QueryRejectCondition.NotOpen && row.Status != WorkflowExecutionStatus.Running) ||
            (reject == QueryRejectCondition.NotCompletedCleanly && row.Status is not (WorkflowExecutionStatus.Running or WorkflowExecutionStatus.Completed)))
        {
            throw new WorkflowQueryRejectedException(row.Status);
        }
        var query = Guid.NewGuid().ToString();
        var packed = Json.Write(Limits.Checked(Converter.Pack(args)));
        try
        {
            await engine.TransactAsync(
                t =>
                {
                    t.Later(
                        "INSERT INTO queries (id, run_id, namespace, task_queue, name, args, state, visible_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING",
                        query, row.RunId, row.Namespace, row.TaskQueue, name, packed, t.Now);
                    t.Wake(Wakeups.WorkflowTasks(row.Namespace, row.TaskQueue));
                    return Task.CompletedTask;
                },
                token).ConfigureAwait(false);
            while (true)
            {
                var woken = engine.Wakeups.Next(Wakeups.Run(query));
                var answer = await engine.ReadAsync(
                    r => (Done: r.GetInt16(0) == 2, Result: r.Text(1), Failure: r.Text(2)),
                    "SELECT state, result, failure FROM queries WHERE id = $1",
                    [query],
                    token).ConfigureAwait(false);
                if (answer is [{ Done: true }])
                {
                    return answer[0].Failure is { } failure
                        ? throw new WorkflowQueryFailedException(failure)
                        : Converter.ToValue<TResult>(Json.Read<Payload>(answer[0].Result!));
                }
                await WaitAsync(woken, token).ConfigureAwait(false);
            }
        }
        finally
        {
            await engine.ExecuteAsync("DELETE FROM queries WHERE id = $1", [query], engine.Stopped).ConfigureAwait(false);
        }
    }

    public async Task<WorkflowUpdateHandle<TResult>> StartUpdateAsync<TResult>(
        string id, string? runId, string name, IReadOnlyCollection<object?> args, WorkflowUpdateStartOptions options)
    {
        if (options.WaitForStage is WorkflowUpdateStage.None or WorkflowUpdateStage.Admitted)
        {
            throw new ArgumentException($"{options.WaitForStage} is not an allowed wait stage to start update");
        }
        var updateId = options.Id ?? Guid.NewGuid().ToString();
        var packed = Json.Write(Limits.Checked(Converter.Pack(args)));
        var wanted = options.WaitForStage == WorkflowUpdateStage.Completed ? 2 : 1;
        using var limit = Limit(options.Rpc, null);
        try
        {
            for (var wait = TimeSpan.FromSeconds(1); ; wait *= 2)
            {
                var run = await AddUpdateAsync(id, runId, updateId, name, packed, limit.Token).ConfigureAwait(false);
                if (await UpdateAsync(run, updateId, wanted, limit.Token).ConfigureAwait(false) != null)
                {
                    return new(client, updateId, id, run);
                }
                var updates = await engine.ReadAsync(
                    r => r.GetInt64(0), "SELECT count(*) FROM updates WHERE run_id = $1 AND state <> 3", [run], limit.Token).ConfigureAwait(false);
                var refused = Limits.NoRoom(updates[0]);
                // The package's client tries again for ten seconds where there may be room soon.
                if (refused.Code != RpcException.StatusCode.ResourceExhausted || wait > TimeSpan.FromSeconds(4))
                {
                    throw refused;
                }
                await Task.Delay(wait, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException e)
        {
            throw new WorkflowUpdateRpcTimeoutOrCanceledException(e);
        }
    }

    /// <summary>Asks for an update, if its run has room for one; returns the run.</summary>
    private Task<string> AddUpdateAsync(string id, string? runId, string updateId, string name, string args, CancellationToken token) => engine.TransactAsync(
        async t =>
        {
            var row = await LockRunningAsync(t, id, runId).ConfigureAwait(false);
            t.Later(
                $"""
                INSERT INTO updates AS u (run_id, update_id, name, args, state, created) SELECT $1, $2, $3, $4, 0, $5 WHERE {Limits.HasRoomSql}
                ON CONFLICT (run_id, update_id) DO UPDATE SET (name, args, state, created, failure) = (excluded.name, excluded.args, 0, excluded.created, NULL)
                WHERE u.state = 3
                """,
                row.RunId, updateId, name, args, t.Now);
            t.AskForTask(row, atOnce: true);
            return row.RunId;
        },
        token);

    public async Task<TResult> UpdateResultAsync<TResult>(string id, string? runId, string updateId, RpcOptions? rpc)
    {
        using var limit = Limit(rpc, null);
        try
        {
            var run = runId ?? (await RunAsync(id, null, limit.Token).ConfigureAwait(false)).RunId;
            var (result, failure) = await UpdateAsync(run, updateId, 2, limit.Token).ConfigureAwait(false) ??
                throw new RpcException(RpcException.StatusCode.NotFound, $"update {updateId} not found", null);
            return failure == null
                ? Converter.FromResult<TResult>(result)
                : throw new WorkflowUpdateFailedException(ToException(failure));
        }
        catch (OperationCanceledException e)
        {
            throw new WorkflowUpdateRpcTimeoutOrCanceledException(e);
        }
    }

    /// <summary>Waits until an update is in a state; null when there is none.</summary>
    private async Task<(Payload[]? Result, Failure? Failure)?> UpdateAsync(string runId, string updateId, int state, CancellationToken token)
    {
        while (true)
        {
            var woken = engine.Wakeups.Next(Wakeups.Run(runId));
            var rows = await engine.ReadAsync(
                r => (State: (int)r.GetInt16(0), Result: r.Text(1), Failure: r.Text(2)),
                "SELECT state, result, failure FROM updates WHERE run_id = $1 AND update_id = $2",
                [runId, updateId],
                token).ConfigureAwait(false);
            if (rows.Count == 0)
            {
                return null;
            }
            if (rows[0].State == 4)
            {
                throw Completed();
            }
            if (rows[0].State >= state)
            {
                return (
                    rows[0].Result is { } result ? Json.Read<Payload[]>(result) : null,
                    rows[0].Failure is { } failure ? Json.Read<Failure>(failure) : null);
            }
            await WaitAsync(woken, token).ConfigureAwait(false);
        }
    }
}
