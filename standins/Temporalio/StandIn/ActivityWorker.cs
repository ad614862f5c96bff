using Microsoft.Extensions.Logging;
using Temporalio.Activities;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Converters;
using Temporalio.Exceptions;
using Temporalio.Worker.Interceptors;

namespace Temporalio.StandIn;

/// <summary>What an activity worker is given.</summary>
internal sealed record ActivityWorkerOptions(
    Engine Engine,
    string Namespace,
    string TaskQueue,
    string Identity,
    int Owner,
    IReadOnlyDictionary<string, ActivityDefinition> Activities,
    DataConverter Converter,
    ILoggerFactory Loggers,
    ITemporalClient? Client,
    TaskFactory Factory,
    int MaxActivities,
    TimeSpan GracefulShutdown,
    TimeSpan MaxThrottle,
    TimeSpan DefaultThrottle,
    ActivityInboundInterceptor Chain);

/// <summary>Takes activities of one queue and runs them.</summary>
internal sealed class ActivityWorker(ActivityWorkerOptions options)
{
    private readonly Engine engine = options.Engine;
    private readonly ILogger logger = options.Loggers.CreateLogger("Temporalio.Worker.Activities");
    private readonly Slots slots = new(options.MaxActivities);
    private readonly CancellationTokenSource shutdown = new();
    private readonly HashSet<RunningActivity> running = [];

    /// <summary>Works until told to stop; then activities hear of it, and after the grace period they are cancelled.</summary>
    public async Task ExecuteAsync(CancellationToken stop)
    {
        var wakeKey = Wakeups.ActivityTasks(options.Namespace, options.TaskQueue);
        while (!stop.IsCancellationRequested)
        {
            var free = 0;
            try
            {
                free = await slots.TakeAsync(stop).ConfigureAwait(false);
                var woken = engine.Wakeups.Next(wakeKey);
                var (tasks, next) = await engine.TakeActivitiesAsync(options.Namespace, options.TaskQueue, options.Identity, options.Owner, free, stop).ConfigureAwait(false);
                foreach (var task in tasks)
                {
                    free--;
                    slots.Start(() => RunAsync(task));
                }
                if (tasks.Count == 0)
                {
                    slots.Return(free);
                    free = 0;
                    await WorkflowWorker.WaitAsync(engine, woken, next, stop).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                logger.LogWarning(e, "Polling for activities failed, trying again");
                await Task.Delay(500, CancellationToken.None).ConfigureAwait(false);
            }
            finally
            {
                slots.Return(free);
            }
        }
        await shutdown.CancelAsync().ConfigureAwait(false);
        var drained = slots.DrainAsync();
        await drained.WaitAsync(options.GracefulShutdown).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        RunningActivity[] left;
        lock (running)
        {
            left = [.. running];
        }
        foreach (var activity in left)
        {
            activity.Cancel(ActivityCancelReason.WorkerShutdown, new() { IsWorkerShutdown = true });
        }
        await drained.ConfigureAwait(false);
    }

    private async Task RunAsync(ActivityRow row)
    {
        using var activity = new RunningActivity(engine, row, options, shutdown.Token);
        lock (running)
        {
            running.Add(activity);
        }
        try
        {
            await options.Factory.StartNew(() => RunAsync(activity, row)).Unwrap().ConfigureAwait(false);
        }
        catch (Exception e) when (!engine.Stopped.IsCancellationRequested)
        {
            logger.LogError(e, "Activity {ActivityType} ended with an error of the worker itself", row.Data.Name);
        }
        catch (Exception)
        {
            // The engine is gone; another attempt begins when this one's time is over.
        }
        finally
        {
            lock (running)
            {
                running.Remove(activity);
            }
        }
    }

    private async Task RunAsync(RunningActivity activity, ActivityRow row)
    {
        Payload[]? result;
        try
        {
            if (!options.Activities.TryGetValue(row.Data.Name!, out var definition))
            {
                throw new ApplicationFailureException(
                    $"Activity {row.Data.Name} is not registered on this worker, available activities: " +
                    $"{string.Join(", ", options.Activities.Keys.Order(StringComparer.Ordinal))}",
                    errorType: "NotFoundError");
            }
            ActivityExecutionContext.AsyncLocalCurrent.Value = activity.Context;
            var value = await options.Chain.ExecuteActivityAsync(new(definition, Arguments(definition, row.Data.Args ?? []), row.Data.Headers)).ConfigureAwait(false);
            result = value is ValueTuple ? null : [options.Converter.PayloadConverter.ToPayload(value)];
        }
        catch (Exception e)
        {
            await activity.StopHeartbeatAsync().ConfigureAwait(false);
            await FailAsync(activity, row, e).ConfigureAwait(false);
            return;
        }
        await activity.StopHeartbeatAsync().ConfigureAwait(false);
        await engine.CompleteActivityAsync(row, result, engine.Stopped).ConfigureAwait(false);
    }

    private object?[] Arguments(ActivityDefinition definition, Payload[] payloads)
    {
        if (payloads.Length < definition.RequiredParameterCount)
        {
            throw new ApplicationFailureException(
                $"Activity {definition.Name} given {payloads.Length} parameters, but requires {definition.RequiredParameterCount}");
        }
        return [.. payloads.Zip(definition.ParameterTypes, options.Converter.PayloadConverter.ToValue)];
    }

    private async Task FailAsync(RunningActivity activity, ActivityRow row, Exception e)
    {
        var reason = activity.Context.CancelReason;
        var canceled = activity.Context.CancellationToken.IsCancellationRequested && e is OperationCanceledException or CanceledFailureException;
        if (canceled && reason == ActivityCancelReason.CancelRequested)
        {
            await engine.CancelActivityAsync(row, null, engine.Stopped).ConfigureAwait(false);
            return;
        }
        if (reason == ActivityCancelReason.GoneFromServer)
        {
            logger.LogDebug(e, "Attempt {Attempt} of activity {ActivityType} is not wanted any more", row.Attempt, row.Data.Name);
            return;
        }
        if (canceled && reason == ActivityCancelReason.WorkerShutdown)
        {
            e = new ApplicationFailureException("Worker is shutting down and this activity did not complete in time", e, "WorkerShutdown");
        }
        logger.LogWarning(
            e, "Completing activity {ActivityType} (id {ActivityId}, attempt {Attempt}) as failed", row.Data.Name, row.ActivityId, row.Attempt);
        Failure failure;
        try
        {
            failure = options.Converter.FailureConverter.ToFailure(e, options.Converter.PayloadConverter);
        }
        catch (Exception inner)
        {
            failure = new Failure { Message = $"Failed building exception result: {inner.Message}", Application = new(e.GetType().Name, false, null, null, default) };
        }
        await engine.FailActivityAsync(row, failure, activity.LastDetails, engine.Stopped).ConfigureAwait(false);
    }
}
