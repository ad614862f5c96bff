using Microsoft.Extensions.Logging;
using Temporalio.Activities;
using Temporalio.Api.Common.V1;
using Temporalio.Common;
using Temporalio.Converters;

namespace Temporalio.StandIn;

/// <summary>An attempt that runs here: its context, its heartbeats, its cancellation.</summary>
internal sealed class RunningActivity : IDisposable
{
    private readonly Engine engine;
    private readonly ActivityRow row;
    private readonly ActivityWorkerOptions options;
    private readonly CancellationTokenSource cancellation = new();
    private readonly ActivityCancelRef cancelRef = new();
    private readonly CancellationTokenSource ended = new();
    private readonly TimeSpan throttle;
    private readonly Lock gate = new();
    private Task sending = Task.CompletedTask;
    private bool unsent;
    private bool stopped;

    public RunningActivity(Engine engine, ActivityRow row, ActivityWorkerOptions options, CancellationToken shutdown)
    {
        this.engine = engine;
        this.row = row;
        this.options = options;
        // Never rarer than the package's 0.8 of the time-out; a second at most, so that less is done twice after a crash.
        throttle = row.Heartbeat is { } timeout ? Min(timeout * 0.4, options.MaxThrottle) : options.DefaultThrottle;
        throttle = Min(throttle, TimeSpan.FromSeconds(1));
        var info = new ActivityInfo(
            ActivityId: row.ActivityId,
            ActivityType: row.Data.Name!,
            Attempt: row.Attempt,
            CurrentAttemptScheduledTime: row.AttemptScheduledAt,
            DataConverter: options.Converter,
            HeartbeatDetails: row.HeartbeatDetails == null ? [] : Json.Read<Payload[]>(row.HeartbeatDetails),
            HeartbeatTimeout: row.Heartbeat,
            IsLocal: false,
            Namespace: row.Namespace,
            Priority: row.Data.PriorityKey is { } key ? new Priority(key) : Priority.Default,
            RetryPolicy: row.Data.RetryPolicy,
            ScheduleToCloseTimeout: row.Data.ScheduleToClose,
            ScheduledTime: row.ScheduledAt,
            StartToCloseTimeout: row.Data.StartToClose,
            StartedTime: row.StartedAt ?? engine.Clock.Now,
            TaskQueue: row.TaskQueue,
            TaskToken: System.Text.Encoding.UTF8.GetBytes($"{row.RunId}/{row.EventId}/{row.Token}"),
            WorkflowId: row.WorkflowId,
            WorkflowNamespace: row.Namespace,
            WorkflowRunId: row.RunId,
            WorkflowType: row.WorkflowType);
        Context = new ActivityExecutionContext(
            info,
            cancellation.Token,
            shutdown,
            options.Loggers.CreateLogger($"Temporalio.Activity:{row.Data.Name}"),
            options.Converter.PayloadConverter,
            options.Client)
        {
            Heartbeater = Heartbeat,
            CancelRef = cancelRef,
        };
    }

    public ActivityExecutionContext Context { get; }

    public string? LastDetails { get; private set; }

    public void Cancel(ActivityCancelReason reason, ActivityCancellationDetails details)
    {
        lock (gate)
        {
            if (cancelRef.CancelReason != ActivityCancelReason.None)
            {
                return;
            }
            cancelRef.CancelReason = reason;
            cancelRef.CancellationDetails = details;
        }
        try
        {
            cancellation.Cancel();
        }
        catch (Exception e) when (e is AggregateException or ObjectDisposedException)
        {
            options.Loggers.CreateLogger("Temporalio.Worker.Activities").LogWarning(e, "A cancellation callback of activity {ActivityType} failed", row.Data.Name);
        }
    }

    public async Task StopHeartbeatAsync()
    {
        Task last;
        lock (gate)
        {
            stopped = true;
            last = sending;
        }
        await ended.CancelAsync().ConfigureAwait(false);
        await last.ConfigureAwait(false);
    }

    public void Dispose()
    {
        cancellation.Dispose();
        ended.Dispose();
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private void Heartbeat(object?[] details)
    {
        var encoded = details.Length == 0 ? null : Json.Write(options.Converter.PayloadConverter.Pack(details));
        lock (gate)
        {
            if (stopped)
            {
                return;
            }
            LastDetails = encoded ?? LastDetails;
            unsent = true;
            if (sending.IsCompleted)
            {
                sending = Task.Run(SendAsync);
            }
        }
    }

    /// <summary>Sends the newest details, then keeps quiet for a while; what came meanwhile is sent after that.</summary>
    private async Task SendAsync()
    {
        while (true)
        {
            string? details;
            lock (gate)
            {
                if (!unsent || stopped)
                {
                    sending = Task.CompletedTask;
                    return;
                }
                unsent = false;
                details = LastDetails;
            }
            try
            {
                var canceled = await engine.HeartbeatAsync(row, details, ended.Token).ConfigureAwait(false);
                if (canceled == null)
                {
                    Cancel(ActivityCancelReason.GoneFromServer, new() { IsGoneFromServer = true });
                }
                else if (canceled == true)
                {
                    Cancel(ActivityCancelReason.CancelRequested, new() { IsCancelRequested = true });
                }
                await Task.Delay(throttle, ended.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
