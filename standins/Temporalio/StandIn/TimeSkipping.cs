namespace Temporalio.StandIn;

/// <summary>
/// Lets an engine's clock jump: when somebody waits for a result or for a time, and nothing runs or could run now, the clock goes to
/// the next thing that is due.
/// </summary>
internal sealed class TimeSkipping(Engine engine)
{
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly List<DateTime> sleepers = [];
    private readonly Lock gate = new();
    private int waiting;

    public bool Enabled { get; set; } = true;

    public bool Active
    {
        get
        {
            lock (gate)
            {
                return (Enabled && waiting > 0) || sleepers.Count > 0;
            }
        }
    }

    public IDisposable Wait()
    {
        lock (gate)
        {
            waiting++;
        }
        return new Waiter(this);
    }

    public async Task SleepAsync(TimeSpan time, CancellationToken token)
    {
        var until = engine.Clock.Now + time;
        lock (gate)
        {
            sleepers.Add(until);
        }
        try
        {
            while (engine.Clock.Now < until)
            {
                await Task.Delay(Pause, token).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (gate)
            {
                sleepers.Remove(until);
            }
        }
    }

    /// <summary>Jumps if it may; called by the sweeper after all that is due has been done.</summary>
    public async Task SkipAsync()
    {
        if (!Active)
        {
            return;
        }
        var now = engine.Clock.Now;
        var state = (await engine.ReadAsync(
            r => (Busy: r.GetBoolean(0), Next: r.Time(1)),
            """
            SELECT EXISTS (SELECT 1 FROM executions WHERE status = 1 AND (lease_owner IS NOT NULL OR (task_pending AND task_at <= $1)))
                OR EXISTS (SELECT 1 FROM activities WHERE state = 1 OR visible_at <= $1)
                OR EXISTS (SELECT 1 FROM queries WHERE state < 2),
                LEAST((SELECT min(fire_at) FROM timers), (SELECT min(LEAST(visible_at, deadline)) FROM activities),
                    (SELECT min(task_at) FROM executions WHERE status = 1 AND task_pending),
                    (SELECT min(deadline) FROM executions WHERE status = 1))
            """,
            [now],
            engine.Stopped).ConfigureAwait(false))[0];
        DateTime? next = state.Next;
        lock (gate)
        {
            foreach (var sleeper in sleepers)
            {
                next = next is { } n && n < sleeper ? n : sleeper;
            }
        }
        if (!state.Busy && Active && next is { } due && due > now)
        {
            engine.Clock.Skip(due - now);
            engine.Wakeups.SetAll();
        }
    }

    private sealed class Waiter(TimeSkipping owner) : IDisposable
    {
        public void Dispose()
        {
            lock (owner.gate)
            {
                owner.waiting--;
            }
        }
    }
}
