using Temporalio.Activities;

namespace XInstruct.Activities.Storage;

/// <summary>Heartbeats a cursor each second from a timer, also while a model trains, and ends the work when the activity is cancelled or the worker stops.</summary>
public sealed class Heartbeat : IDisposable
{
    private readonly ActivityExecutionContext _context;
    private readonly CancellationTokenSource _source;
    private readonly Timer _timer;
    private long _cursor;

    private Heartbeat(ActivityExecutionContext context)
    {
        _context = context;
        _source = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, context.WorkerShutdownToken);
        _timer = new Timer(_ => _context.Heartbeat(Interlocked.Read(ref _cursor)), null, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>Cancelled when the activity is, or when its worker shuts down.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Starts beating for the current activity.</summary>
    public static Heartbeat Start() => new(ActivityExecutionContext.Current);

    /// <summary>Moves the cursor.</summary>
    public void Advance(long by) => Interlocked.Add(ref _cursor, by);

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        _source.Dispose();
    }
}
