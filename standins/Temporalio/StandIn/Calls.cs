using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Client;
using Temporalio.Converters;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>A client's calls.</summary>
internal sealed partial class Calls(TemporalClient client, Engine engine)
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private string Namespace => client.Options.Namespace;

    private IPayloadConverter Converter => client.Options.DataConverter.PayloadConverter;

    /// <summary>Told when a client begins and ends to wait for a result; a time-skipping environment skips meanwhile.</summary>
    public Func<IDisposable>? Waiting { get; set; }

    public async Task<(string RunId, bool Started)> StartAsync(string workflow, IReadOnlyCollection<object?> args, WorkflowOptions options)
    {
        var id = options.Id ?? throw new ArgumentException("ID required to start workflow");
        var queue = options.TaskQueue ?? throw new ArgumentException("Task queue required to start workflow");
        if (options.StartSignal == null && options.StartSignalArgs != null)
        {
            throw new ArgumentException("Cannot have start signal args without start signal");
        }
        if (options.IdConflictPolicy == WorkflowIdConflictPolicy.Fail && options.StartSignal != null)
        {
            throw Invalid("Invalid WorkflowIDConflictPolicy: Fail is not supported for this operation.");
        }
        if (options.IdConflictPolicy != WorkflowIdConflictPolicy.Unspecified && options.IdReusePolicy == WorkflowIdReusePolicy.TerminateIfRunning)
        {
            throw Invalid("Invalid WorkflowIDReusePolicy: TerminateIfRunning cannot be used together with a WorkflowIDConflictPolicy.");
        }
        var request = Guid.NewGuid().ToString();
        var start = new EventData
        {
            Name = workflow,
            Args = Limits.Checked(Converter.Pack(args)),
            TaskQueue = queue,
            ExecutionTimeout = options.ExecutionTimeout,
            RunTimeout = options.RunTimeout,
            TaskTimeout = options.TaskTimeout,
            RetryPolicy = options.RetryPolicy,
            Memo = options.Memo?.ToDictionary(p => p.Key, p => Converter.ToPayload(p.Value)),
            Attributes = options.TypedSearchAttributes?.ToStored(),
            PriorityKey = options.Priority?.PriorityKey,
            Summary = options.StaticSummary,
            Details = options.StaticDetails,
            Identity = client.Connection.Options.Identity,
        };
        if (start.Attributes != null && await engine.FaultAsync(Namespace, start.Attributes, options.Rpc?.CancellationToken ?? default).ConfigureAwait(false) is { } fault)
        {
            throw Invalid(fault);
        }
        var (run, existing) = await LimitedAsync(
            options.Rpc, TimeSpan.FromMinutes(5), token => engine.TransactAsync(t => StartAsync(t, id, start, request, options), token)).ConfigureAwait(false);
        return run != null
            ? (run, options.StartSignal == null)
            : throw new WorkflowAlreadyStartedException("Workflow execution already started", id, workflow, existing!.RunId);
    }

    public Task<TResult> ResultAsync<TResult>(string id, string? runId, bool followRuns, RpcOptions? rpc) =>
        LimitedAsync(rpc, null, token => ResultAsync<TResult>(id, runId, followRuns, token));

    private async Task<TResult> ResultAsync<TResult>(string id, string? runId, bool followRuns, CancellationToken token)
    {
        using var skipping = Waiting?.Invoke();
        var current = runId ?? (await RunAsync(id, null, token).ConfigureAwait(false)).RunId;
        while (true)
        {
            var woken = engine.Wakeups.Next(Wakeups.Run(current));
            var row = await RunAsync(id, current, token).ConfigureAwait(false);
            if (row.Status == WorkflowExecutionStatus.Running)
            {
                await WaitAsync(woken, token).ConfigureAwait(false);
                continue;
            }
            if (row.NewRunId == null)
            {
                return await OutcomeAsync<TResult>(row, token).ConfigureAwait(false);
            }
            if (!followRuns)
            {
                return row.Status == WorkflowExecutionStatus.ContinuedAsNew
                    ? throw new WorkflowContinuedAsNewException(row.NewRunId)
                    : await OutcomeAsync<TResult>(row, token).ConfigureAwait(false);
            }
            current = row.NewRunId;
        }
    }

    public async Task SignalAsync(string id, string? runId, string signal, IReadOnlyCollection<object?> args, RpcOptions? rpc)
    {
        var data = new EventData { Name = signal, Args = Limits.Checked(Converter.Pack(args)), Identity = client.Connection.Options.Identity };
        await LimitedAsync(
            rpc,
            TimeSpan.FromMinutes(5),
            token => engine.TransactAsync(
                async t =>
                {
                    t.Post(await LockRunningAsync(t, id, runId).ConfigureAwait(false), EventType.WorkflowExecutionSignaled, data);
                    return true;
                },
                token)).ConfigureAwait(false);
    }

    public async Task CancelAsync(string id, string? runId, string? firstRunId)
    {
        var row = await RunAsync(id, runId, default).ConfigureAwait(false);
        if (!await engine.RequestCancelAsync(row.RunId, firstRunId).ConfigureAwait(false) && row.Status != WorkflowExecutionStatus.Running)
        {
            throw Completed();
        }
    }

    public async Task TerminateAsync(string id, string? runId, string? firstRunId, string? reason, IReadOnlyCollection<object?>? details)
    {
        var row = await RunAsync(id, runId, default).ConfigureAwait(false);
        var data = new EventData
        {
            Name = reason,
            Failure = Engine.Terminated(reason, details == null ? null : Converter.Pack(details)),
        };
        var stopped = await engine.StopRunAsync(
            row.RunId,
            WorkflowExecutionStatus.Terminated,
            EventType.WorkflowExecutionTerminated,
            data,
            run => firstRunId == null || run.FirstRunId == firstRunId).ConfigureAwait(false);
        if (!stopped)
        {
            throw Completed();
        }
    }

    public async Task<WorkflowExecutionDescription> DescribeAsync(string id, string? runId) =>
        new(await RunAsync(id, runId, default).ConfigureAwait(false), client.Options.DataConverter);

    public Task<IReadOnlyCollection<HistoryEvent>> HistoryAsync(string id, string? runId, WorkflowHistoryEventFetchOptions? options) =>
        LimitedAsync(options?.Rpc, null, token => HistoryAsync(id, runId, options, token));

    private async Task<IReadOnlyCollection<HistoryEvent>> HistoryAsync(
        string id, string? runId, WorkflowHistoryEventFetchOptions? options, CancellationToken token)
    {
        var row = await RunAsync(id, runId, token).ConfigureAwait(false);
        var last = options?.EventFilterType == HistoryEventFilterType.CloseEvent;
        while (options?.WaitNewEvent == true && row.Status == WorkflowExecutionStatus.Running)
        {
            var woken = engine.Wakeups.Next(Wakeups.Run(row.RunId));
            row = await RunAsync(id, row.RunId, token).ConfigureAwait(false);
            if (row.Status == WorkflowExecutionStatus.Running)
            {
                await WaitAsync(woken, token).ConfigureAwait(false);
            }
        }
        // What waits in the inbox will come next, as it is.
        var events = await engine.TransactAsync(
            async t =>
            {
                var locked = (await t.LockAsync(row.RunId).ConfigureAwait(false)).Single();
                var written = await engine.HistoryAsync(row.RunId, token).ConfigureAwait(false);
                var writer = new HistoryWriter(locked);
                foreach (var waiting in await Engine.ReadInboxAsync(t, row.RunId).ConfigureAwait(false))
                {
                    writer.Add(waiting);
                }
                return written.Concat(writer.Events).ToArray();
            },
            token).ConfigureAwait(false);
        return last ? events[^1..] : events;
    }

    /// <summary>A token that ends with the caller's, or after the caller's time-out, or after the default one.</summary>
    private static CancellationTokenSource Limit(RpcOptions? rpc, TimeSpan? otherwise)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(rpc?.CancellationToken ?? CancellationToken.None);
        if ((rpc?.Timeout ?? otherwise) is { } time)
        {
            limit.CancelAfter(time);
        }
        return limit;
    }

    /// <summary>A call within its time.</summary>
    /// <exception cref="RpcException">Deadline exceeded; a caller's own cancellation stays one.</exception>
    public static async Task<T> LimitedAsync<T>(RpcOptions? rpc, TimeSpan? otherwise, Func<CancellationToken, Task<T>> call)
    {
        using var limit = Limit(rpc, otherwise);
        try
        {
            return await call(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && rpc?.CancellationToken?.IsCancellationRequested != true)
        {
            throw new RpcException(RpcException.StatusCode.DeadlineExceeded, "Timeout expired", null);
        }
    }

    private static RpcException Invalid(string message) => new(RpcException.StatusCode.InvalidArgument, message, null);

    private static RpcException Completed() =>
        new(RpcException.StatusCode.NotFound, "workflow execution already completed", null);

    private static async Task WaitAsync(Task woken, CancellationToken token)
    {
        await woken.WaitAsync(Look, token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        token.ThrowIfCancellationRequested();
    }

    private async Task<ExecutionRow> RunAsync(string id, string? runId, CancellationToken token) =>
        await engine.FindAsync(Namespace, id, runId, token).ConfigureAwait(false) ??
        throw new RpcException(RpcException.StatusCode.NotFound, $"workflow not found for ID: {id}", null);

    private async Task<ExecutionRow> LockRunningAsync(Transaction t, string id, string? runId)
    {
        for (string? last = null; ;)
        {
            var found = await Engine.LockAsync(t, Namespace, id, runId).ConfigureAwait(false) ??
                throw new RpcException(RpcException.StatusCode.NotFound, $"workflow not found for ID: {id}", null);
            if (found.Status == WorkflowExecutionStatus.Running)
            {
                return found;
            }
            // It may have gone on as a new run while the lock was waited for.
            if (found.NewRunId == null || found.RunId == last || runId != null)
            {
                throw Completed();
            }
            last = found.RunId;
        }
    }

    private async Task<(string? RunId, ExecutionRow? Existing)> StartAsync(Transaction t, string id, EventData start, string request, WorkflowOptions options)
    {
        for (var attempt = 0; ; attempt++)
        {
            // An earlier try of this call may have succeeded without our hearing of it.
            var mine = await t.ReadAsync(r => r.GetString(0), "SELECT run_id FROM executions WHERE request_id = $1", request).ConfigureAwait(false);
            if (mine.Count > 0)
            {
                return (mine[0], null);
            }
            var existing = await Engine.FindAsync(t, Namespace, id, null).ConfigureAwait(false);
            if (existing is { Status: WorkflowExecutionStatus.Running })
            {
                var terminate = options.IdConflictPolicy == WorkflowIdConflictPolicy.TerminateExisting || options.IdReusePolicy == WorkflowIdReusePolicy.TerminateIfRunning;
                if (!terminate && (options.StartSignal != null || options.IdConflictPolicy == WorkflowIdConflictPolicy.UseExisting))
                {
                    var locked = (await t.LockAsync(existing.RunId).ConfigureAwait(false)).Single();
                    if (locked.Status != WorkflowExecutionStatus.Running)
                    {
                        continue;
                    }
                    Signal(t, locked, options, atOnce: true);
                    return (existing.RunId, null);
                }
                if (!terminate)
                {
                    return (null, existing);
                }
                await Engine.StopRunAsync(
                    t, existing.RunId, WorkflowExecutionStatus.Terminated, EventType.WorkflowExecutionTerminated,
                    new EventData { Name = "TerminateIfRunning", Failure = Engine.Terminated("TerminateIfRunning WorkflowIdReusePolicy Policy", null) })
                    .ConfigureAwait(false);
            }
            else if (!Engine.MayUse(options.IdReusePolicy, existing))
            {
                return (null, existing);
            }
            var run = new Engine.NewRun(Namespace, id, Guid.NewGuid().ToString(), start)
            {
                RequestId = request,
                Delay = options.StartDelay ?? TimeSpan.Zero,
            };
            if (await Engine.CreateRunAsync(t, run).ConfigureAwait(false))
            {
                if (options.StartSignal != null)
                {
                    Signal(t, (await t.LockAsync(run.RunId).ConfigureAwait(false)).Single(), options, atOnce: false);
                }
                return (run.RunId, null);
            }
        }
    }

    /// <summary>The signal that comes with a start. Only one to a run that is there already ends a delay of its start, as do updates and cancellation; plain signals wait.</summary>
    private void Signal(Transaction t, ExecutionRow target, WorkflowOptions options, bool atOnce)
    {
        if (options.StartSignal != null)
        {
            t.Post(target, EventType.WorkflowExecutionSignaled, new EventData
            {
                Name = options.StartSignal,
                Args = Limits.Checked(Converter.Pack(options.StartSignalArgs ?? [])),
                Identity = client.Connection.Options.Identity,
            }, atOnce);
        }
    }

    private async Task<TResult> OutcomeAsync<TResult>(ExecutionRow row, CancellationToken token)
    {
        var rows = await engine.ReadAsync(
            r => Json.Read<EventData>(r.GetString(0)),
            "SELECT data FROM events WHERE run_id = $1 ORDER BY event_id DESC LIMIT 1",
            [row.RunId],
            token).ConfigureAwait(false);
        return row.Status == WorkflowExecutionStatus.Completed
            ? Converter.FromResult<TResult>(rows[0].Args)
            : throw new WorkflowFailedException(ToException(rows[0].Failure ?? new Failure { Message = row.Status.ToString() }));
    }

    private Exception ToException(Failure failure) => client.Options.DataConverter.FailureConverter.ToException(failure, Converter);
}
