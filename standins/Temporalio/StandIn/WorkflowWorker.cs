using Microsoft.Extensions.Logging;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Api.History.V1;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.StandIn;

/// <summary>What a workflow worker is given.</summary>
internal sealed record WorkflowWorkerOptions(
    Engine Engine,
    string Namespace,
    string TaskQueue,
    string Identity,
    IReadOnlyDictionary<string, WorkflowDefinition> Workflows,
    DataConverter Converter,
    ILoggerFactory Loggers,
    int MaxTasks,
    int MaxCached,
    TimeSpan StickyTimeout,
    IReadOnlyCollection<Type>? FailureTypes,
    bool DebugMode);

/// <summary>Takes workflow tasks and queries of one queue and runs them.</summary>
internal sealed class WorkflowWorker(WorkflowWorkerOptions options, int key)
{
    // The package allows two; a busy machine may need longer for a long replay.
    private static readonly TimeSpan DeadlockTimeout = TimeSpan.FromSeconds(5);

    private readonly Engine engine = options.Engine;
    private readonly WorkflowCache cache = new(options.MaxCached);
    private readonly ILogger logger = options.Loggers.CreateLogger("Temporalio.Worker.Workflows");
    private readonly Slots slots = new(options.MaxTasks);

    /// <summary>Works until told to stop, then ends what it has begun.</summary>
    public async Task ExecuteAsync(CancellationToken stop)
    {
        var wakeKey = Wakeups.WorkflowTasks(options.Namespace, options.TaskQueue);
        while (!stop.IsCancellationRequested)
        {
            var free = 0;
            try
            {
                free = await slots.TakeAsync(stop).ConfigureAwait(false);
                var woken = engine.Wakeups.Next(wakeKey);
                var (tasks, next, asked) = await engine.LeaseWorkflowTasksAsync(
                    options.Namespace, options.TaskQueue, key, free, options.StickyTimeout, stop).ConfigureAwait(false);
                foreach (var task in tasks)
                {
                    free--;
                    slots.Start(() => GuardAsync(() => RunTaskAsync(task)));
                }
                var queries = asked && free > 0
                    ? await engine.TakeQueriesAsync(options.Namespace, options.TaskQueue, key, free, options.StickyTimeout, stop).ConfigureAwait(false)
                    : [];
                foreach (var query in queries)
                {
                    free--;
                    slots.Start(() => GuardAsync(() => AnswerAsync(query)));
                }
                if (tasks.Count + queries.Count == 0)
                {
                    slots.Return(free);
                    free = 0;
                    await WaitAsync(engine, woken, next, stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                logger.LogWarning(e, "Polling for workflow tasks failed, trying again");
                await Task.Delay(500, CancellationToken.None).ConfigureAwait(false);
            }
            finally
            {
                slots.Return(free);
            }
        }
        await slots.DrainAsync().ConfigureAwait(false);
    }

    /// <summary>Until something happens, the next thing is due, or a second has passed (a notification may have been lost).</summary>
    public static async Task WaitAsync(Engine engine, Task woken, DateTime? next, CancellationToken stop)
    {
        var wait = TimeSpan.FromSeconds(1);
        if (next is { } due && due - engine.Clock.Now < wait)
        {
            wait = due - engine.Clock.Now;
        }
        if (wait > TimeSpan.Zero)
        {
            await woken.WaitAsync(wait, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task GuardAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e) when (!engine.Stopped.IsCancellationRequested)
        {
            logger.LogError(e, "Workflow task ended with an error of the worker itself");
        }
        catch (Exception)
        {
            // The engine is gone, and with it the task.
        }
    }

    /// <summary>Runs workflow code; code that blocks its thread loses the task (and keeps the thread, which nobody can take from it).</summary>
    private async Task<T> WatchAsync<T>(Func<T> code)
    {
        var running = Task.Run(code);
        try
        {
            return await running.WaitAsync(options.DebugMode ? Timeout.InfiniteTimeSpan : DeadlockTimeout).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!running.IsCompleted)
        {
            throw new InvalidOperationException(
                $"[TMPRL1101] Potential deadlock detected: workflow didn't yield within {DeadlockTimeout.TotalSeconds} second(s).");
        }
    }

    private WorkflowDefinition Definition(string type) => options.Workflows.TryGetValue(type, out var definition)
        ? definition
        : throw new InvalidOperationException(
            $"Workflow type {type} is not registered on this worker, available workflows: " +
            $"[{string.Join(", ", options.Workflows.Keys.Order(StringComparer.Ordinal))}]");

    private async Task RunTaskAsync(WorkflowTask task)
    {
        var run = task.Execution;
        var begun = engine.Clock.Now;
        WorkflowCache.Entry? entry = null;
        HistoryWriter writer;
        ActivationResult result;
        Engine.NewRun? nextRun = null;
        bool silent;
        try
        {
            var definition = Definition(run.WorkflowType);
            entry = cache.Find(run.RunId, run.HistoryLength);
            List<HistoryEvent> unseen = [];
            var first = false;
            // Out of the cache until its new state is stored: an error on the way must not leave a workflow that is ahead of its history.
            cache.Evict(run.RunId);
            if (entry == null)
            {
                var history = task.Begun.Count > 0 ? task.Begun : await engine.HistoryAsync(run.RunId, engine.Stopped).ConfigureAwait(false);
                first = history.TrueForAll(e => e.EventType != EventType.WorkflowTaskCompleted);
                (var workflow, unseen) = await WatchAsync(
                    () => Replay.Run(definition, history, options.Converter, options.Loggers, options.FailureTypes)).ConfigureAwait(false);
                entry = new(run.RunId, workflow, run.HistoryLength);
            }
            if (!first && task.Inbox.Count + task.Updates.Count + unseen.Count == 0)
            {
                cache.Keep(entry);
                await engine.ReleaseTaskAsync(task, again: false, engine.Stopped).ConfigureAwait(false);
                return;
            }
            await entry.Gate.WaitAsync().ConfigureAwait(false);
            try
            {
                writer = new HistoryWriter(run);
                foreach (var row in task.Inbox)
                {
                    unseen.Add(writer.Add(row));
                }
                writer.Add(EventType.WorkflowTaskScheduled, begun, new EventData { TaskQueue = run.TaskQueue, Attempt = run.TaskAttempt + 1 });
                writer.Add(EventType.WorkflowTaskStarted, begun, new EventData { Ref = writer.Length, Identity = options.Identity, Size = writer.Size, Flag = WorkflowInstance.IsLong(writer.Length + 1, writer.Size) ? true : null });
                var started = writer.Events.Last();
                var activation = new Activation(
                    started.Time,
                    started.EventId,
                    started.Data.Size!.Value,
                    Replaying: false,
                    unseen,
                    [.. task.Updates.Select(u => new ActivatedUpdate(u.Id, u.Name, u.Args, Accepted: false))],
                    []);
                var activated = entry.Workflow;
                result = await WatchAsync(() => activated.Activate(activation)).ConfigureAwait(false);
                Limits.Check(result.Commands, activated.Pending);
                await CheckAttributesAsync(result.Commands).ConfigureAwait(false);
                silent = !first && unseen.Count == 0 && result.Commands.Count == 0;
                writer.Add(EventType.WorkflowTaskCompleted, engine.Clock.Now, new EventData { Ref = started.EventId });
                nextRun = await RecordAsync(run, writer, result).ConfigureAwait(false);
            }
            finally
            {
                entry.Gate.Release();
            }
        }
        catch (Exception e) when (!engine.Stopped.IsCancellationRequested)
        {
            cache.Evict(run.RunId);
            logger.LogWarning(e, "Failed activation on workflow {WorkflowType} with ID {WorkflowId} and run ID {RunId}", run.WorkflowType, run.WorkflowId, run.RunId);
            var refused = e as CommandRefusedException;
            await engine.FailTaskAsync(task, begun, refused?.Cause, ToFailure(e), options.Identity, engine.Stopped).ConfigureAwait(false);
            if (refused is { Terminates: true })
            {
                await TerminateAsync(run, refused.Message).ConfigureAwait(false);
            }
            return;
        }
        var outcome = await engine.CompleteTaskAsync(
            task, silent ? null : writer, result, nextRun, key, options.MaxCached > 0, engine.Stopped).ConfigureAwait(false);
        if (outcome == TaskOutcome.Completed && !entry.Workflow.Ended)
        {
            entry.EventId = silent ? run.HistoryLength : writer.Length;
            cache.Keep(entry);
            if (Limits.Reason(writer.Length, writer.Size) is { } reason)
            {
                await TerminateAsync(run, reason).ConfigureAwait(false);
                cache.Evict(run.RunId);
            }
            return;
        }
        cache.Evict(run.RunId);
        if (outcome == TaskOutcome.Superseded)
        {
            await engine.ReleaseTaskAsync(task, again: true, engine.Stopped).ConfigureAwait(false);
        }
        else if (outcome == TaskOutcome.Completed && entry.Workflow.HasChildren)
        {
            await engine.ApplyParentClosePolicyAsync(run.RunId, engine.Stopped).ConfigureAwait(false);
        }
    }

    private Task TerminateAsync(ExecutionRow run, string reason) => engine.StopRunAsync(
        run.RunId,
        WorkflowExecutionStatus.Terminated,
        EventType.WorkflowExecutionTerminated,
        new EventData { Name = reason, Failure = Engine.Terminated(reason, null) },
        token: engine.Stopped);

    private async Task CheckAttributesAsync(IEnumerable<Command> commands)
    {
        foreach (var command in commands.Where(c => c.Data.Attributes != null))
        {
            if (await engine.FaultAsync(options.Namespace, command.Data.Attributes!, engine.Stopped).ConfigureAwait(false) is { } fault)
            {
                throw new CommandRefusedException("BadSearchAttributes", fault, terminates: false);
            }
        }
    }

    /// <summary>Turns commands into events; a closing command may also start the next run.</summary>
    private async Task<Engine.NewRun?> RecordAsync(ExecutionRow run, HistoryWriter writer, ActivationResult result)
    {
        Engine.NewRun? nextRun = null;
        for (var i = 0; i < result.Commands.Count; i++)
        {
            var command = result.Commands[i];
            if (command.Type is EventType.WorkflowExecutionContinuedAsNew or EventType.WorkflowExecutionFailed)
            {
                var start = (await engine.HistoryAsync(run.RunId, engine.Stopped).ConfigureAwait(false))[0].Data;
                nextRun = command.Type == EventType.WorkflowExecutionFailed
                    ? Engine.Retry(run, start, command.Data.Failure!, engine.Clock.Now)
                    : Continue(run, start, command.Data);
                if (nextRun != null)
                {
                    command = new Command(command.Type, command.Data with { NewRunId = nextRun.RunId });
                    result.Commands[i] = command;
                }
            }
            command.Record(writer.Add(command.Type, engine.Clock.Now, command.Data).EventId);
        }
        return nextRun;
    }

    private static Engine.NewRun Continue(ExecutionRow run, EventData start, EventData asked) =>
        new(run.Namespace, run.WorkflowId, Guid.NewGuid().ToString(), start with
        {
            Name = asked.Name,
            Args = asked.Args,
            TaskQueue = asked.TaskQueue ?? run.TaskQueue,
            RunTimeout = asked.RunTimeout ?? start.RunTimeout,
            TaskTimeout = asked.TaskTimeout ?? start.TaskTimeout,
            RetryPolicy = asked.RetryPolicy ?? start.RetryPolicy,
            Memo = asked.Memo,
            Attributes = asked.Attributes,
            Attempt = 1,
            ContinuedRunId = run.RunId,
            FirstRunId = run.FirstRunId,
            LastFailure = null,
        })
        {
            ParentEvent = run.ParentEvent,
            ParentPolicy = run.ParentPolicy,
        };

    private Failure ToFailure(Exception e) => e is CommandRefusedException ? Limits.Failed(e.Message) : e is WorkflowNondeterminismException
        ? new Failure { Message = e.Message, StackTrace = e.StackTrace ?? string.Empty, Application = new(nameof(WorkflowNondeterminismException), false, null, null, default) }
        : options.Converter.FailureConverter.ToFailure(e, options.Converter.PayloadConverter);

    private async Task AnswerAsync(QueryRow query)
    {
        var token = engine.Stopped;
        // What has happened must be seen first.
        if (await engine.LeaseWorkflowTaskAsync(query.RunId, key, token).ConfigureAwait(false) is { } task)
        {
            await RunTaskAsync(task).ConfigureAwait(false);
        }
        var run = (await engine.ReadAsync(
            ExecutionRow.Read, $"SELECT {ExecutionRow.Columns} FROM executions WHERE run_id = $1", [query.RunId], token).ConfigureAwait(false)).Single();
        if (run.Status == WorkflowExecutionStatus.Running && (run.LeaseOwner != null || (run.TaskPending && run.TaskAttempt == 0 && run.ExecutionTime <= engine.Clock.Now)))
        {
            var wait = TimeSpan.FromMilliseconds(15);
            await engine.DeferQueryAsync(query, wait, token).ConfigureAwait(false);
            await Task.Delay(wait, token).ConfigureAwait(false);
            engine.Wakeups.Set(Wakeups.WorkflowTasks(options.Namespace, options.TaskQueue));
            return;
        }
        try
        {
            var entry = cache.Find(run.RunId, run.HistoryLength);
            if (entry == null)
            {
                var history = await engine.HistoryAsync(run.RunId, token).ConfigureAwait(false);
                var definition = Definition(run.WorkflowType);
                var (workflow, _) = await WatchAsync(
                    () => Replay.Run(definition, history, options.Converter, options.Loggers, options.FailureTypes)).ConfigureAwait(false);
                entry = new(run.RunId, workflow, run.HistoryLength);
            }
            await entry.Gate.WaitAsync(token).ConfigureAwait(false);
            try
            {
                var (result, failure) = await WatchAsync(() => entry.Workflow.Query(query)).ConfigureAwait(false);
                await engine.AnswerQueryAsync(query, result, failure, token).ConfigureAwait(false);
            }
            finally
            {
                entry.Gate.Release();
            }
        }
        catch (Exception e) when (!token.IsCancellationRequested)
        {
            await engine.AnswerQueryAsync(query, null, e.Message, token).ConfigureAwait(false);
        }
    }
}
