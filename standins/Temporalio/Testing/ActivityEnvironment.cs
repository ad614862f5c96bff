using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Converters;

namespace Temporalio.Testing;

/// <summary>Runs an activity's code without a worker.</summary>
public record ActivityEnvironment
{
    private static readonly DateTime Epoch = new(1970, 1, 1, 1, 1, 1, DateTimeKind.Utc);

    public static readonly ActivityInfo DefaultInfo = new(
        ActivityId: "test",
        ActivityType: "unknown",
        Attempt: 1,
        CurrentAttemptScheduledTime: Epoch,
        DataConverter: DataConverter.Default,
        HeartbeatDetails: [],
        HeartbeatTimeout: null,
        IsLocal: false,
        Namespace: "default",
        Priority: new(),
        RetryPolicy: new(),
        ScheduleToCloseTimeout: TimeSpan.FromSeconds(1),
        ScheduledTime: Epoch,
        StartToCloseTimeout: TimeSpan.FromSeconds(1),
        StartedTime: Epoch,
        TaskQueue: "test",
        TaskToken: "test"u8.ToArray(),
        WorkflowId: "test",
        WorkflowNamespace: "default",
        WorkflowRunId: "test-run",
        WorkflowType: "test");

    public ActivityInfo Info { get; init; } = DefaultInfo;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    public IPayloadConverter PayloadConverter { get; init; } = DataConverter.Default.PayloadConverter;

    public ITemporalClient? TemporalClient { get; init; }

    public ActivityCancelReason CancelReason
    {
        get => CancelRef.CancelReason;
        set => CancelRef.CancelReason = value;
    }

    public ActivityCancellationDetails? CancellationDetails
    {
        get => CancelRef.CancellationDetails;
        set => CancelRef.CancellationDetails = value;
    }

    public CancellationTokenSource CancellationTokenSource { get; init; } = new();

    public CancellationTokenSource WorkerShutdownTokenSource { get; init; } = new();

    /// <summary>Gets what the activity gives to its heartbeat.</summary>
    public Action<object?[]> Heartbeater { get; init; } = _ => { };

    internal ActivityCancelRef CancelRef { get; } = new();

    public Task RunAsync(Action activity) => RunAsync(() =>
    {
        activity();
        return Task.CompletedTask;
    });

    public Task<T> RunAsync<T>(Func<T> activity) => RunAsync(() => Task.FromResult(activity()));

    public Task RunAsync(Func<Task> activity) => RunAsync<object?>(async () =>
    {
        await activity().ConfigureAwait(false);
        return null;
    });

    public async Task<T> RunAsync<T>(Func<Task<T>> activity)
    {
        var context = new ActivityExecutionContext(
            Info, CancellationTokenSource.Token, WorkerShutdownTokenSource.Token, Logger, PayloadConverter, TemporalClient)
        {
            Heartbeater = Heartbeater,
            CancelRef = CancelRef,
        };
        try
        {
            ActivityExecutionContext.AsyncLocalCurrent.Value = context;
            return await activity().ConfigureAwait(false);
        }
        finally
        {
            ActivityExecutionContext.AsyncLocalCurrent.Value = null;
        }
    }

    public void Cancel() => Cancel(ActivityCancelReason.CancelRequested);

    public void Cancel(ActivityCancelReason reason) => Cancel(reason, new() { IsCancelRequested = true });

    public void Cancel(ActivityCancelReason reason, ActivityCancellationDetails details)
    {
        if (!CancellationTokenSource.IsCancellationRequested)
        {
            CancelReason = reason;
            CancellationDetails = details;
            CancellationTokenSource.Cancel();
        }
    }
}
