using Temporalio.Activities;

namespace XInstruct.Activities.Storage;

/// <summary>
/// Heartbeats a cursor each second from a timer, also while a model trains, and ends the work when the activity is cancelled: by its workflow, by
/// another attempt, or by a worker that stops and has waited as long as it may.
/// </summary>
public sealed class Heartbeat : IDisposable
{
    private readonly ActivityExecutionContext _context;
    private readonly Timer _timer;
    private long _cursor;

    private Heartbeat(ActivityExecutionContext context)
    {
        _context = context;
        _timer = new Timer(_ => _context.Heartbeat(Interlocked.Read(ref _cursor)), null, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>Cancelled when the activity is.</summary>
    public CancellationToken Token => _context.CancellationToken;

    /// <summary>Starts beating for the current activity.</summary>
    public static Heartbeat Start() => new(ActivityExecutionContext.Current);

    /// <summary>Moves the cursor.</summary>
    public void Advance(long by) => Interlocked.Add(ref _cursor, by);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();
}
