using Microsoft.Extensions.Logging;
using Temporalio.Client;
using Temporalio.Converters;

namespace Temporalio.Activities;

/// <summary>What the code of an activity may ask and tell.</summary>
public class ActivityExecutionContext
{
    private readonly ITemporalClient? client;

    internal ActivityExecutionContext(
        ActivityInfo info,
        CancellationToken cancellationToken,
        CancellationToken workerShutdownToken,
        ILogger logger,
        IPayloadConverter payloadConverter,
        ITemporalClient? client)
    {
        Info = info;
        CancellationToken = cancellationToken;
        WorkerShutdownToken = workerShutdownToken;
        Logger = logger;
        PayloadConverter = payloadConverter;
        this.client = client;
    }

    public static bool HasCurrent => AsyncLocalCurrent.Value != null;

    public static ActivityExecutionContext Current => AsyncLocalCurrent.Value ?? throw new InvalidOperationException("No current context");

    public ActivityInfo Info { get; private init; }

    public ILogger Logger { get; private init; }

    public ActivityCancelReason CancelReason => CancelRef.CancelReason;

    public ActivityCancellationDetails? CancellationDetails => CancelRef.CancellationDetails;

    public CancellationToken CancellationToken { get; private init; }

    public CancellationToken WorkerShutdownToken { get; private init; }

    public IPayloadConverter PayloadConverter { get; private init; }

    public ITemporalClient TemporalClient => client ??
        throw new InvalidOperationException("No Temporal client available. This could be a test environment without a client set.");

    internal static AsyncLocal<ActivityExecutionContext?> AsyncLocalCurrent { get; } = new();

    internal Action<object?[]>? Heartbeater { get; set; }

    internal ActivityCancelRef CancelRef { get; init; } = new();

    /// <summary>Says that the attempt is alive and how far it is; the next attempt sees the details.</summary>
    public void Heartbeat(params object?[] details) =>
        (Heartbeater ?? throw new InvalidOperationException("Heartbeater not set yet"))(details);
}
