namespace XInstruct.Activities.Endpoints;

/// <summary>
/// How many calls of this process may be under way to one endpoint: doubled a round trip until the first overload, from then on additive increase and
/// multiplicative decrease (Chiu and Jain, 1989). First come, first served, so a call that comes again stands behind those that wait.
/// </summary>
/// <param name="most">Calls at once, at most.</param>
/// <param name="clock">Time.</param>
public sealed class AdaptiveGate(int most, TimeProvider clock)
{
    private const int First = 8;
    private const double LongestHold = 30;

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _waiting = [];
    private double _limit = Math.Min(First, most);
    private bool _wasOverloaded;
    private DateTimeOffset _lowered = DateTimeOffset.MinValue;
    private DateTimeOffset _heldUntil = DateTimeOffset.MinValue;
    private int _active;
    private int _failedInRow;

    /// <summary>Calls that may be under way now.</summary>
    public int Limit
    {
        get
        {
            lock (_lock) return (int)_limit;
        }
    }

    /// <summary>Waits for a slot. The caller gives it back with <see cref="Leave"/>.</summary>
    public async Task EnterAsync(CancellationToken ct)
    {
        TaskCompletionSource? turn = null;
        lock (_lock)
        {
            if (_waiting.Count == 0 && _active < (int)_limit) _active++;
            else _waiting.Enqueue(turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        if (turn is not null)
        {
            await using var registration = ct.Register(() => turn.TrySetCanceled(ct));
            await turn.Task;
        }

        try
        {
            while (Hold() is { } hold) await Task.Delay(hold, clock, ct);
        }
        catch (OperationCanceledException)
        {
            Leave();
            throw;
        }
    }

    /// <summary>Gives a slot back.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            _active--;
            Admit();
        }
    }

    /// <summary>A reply came.</summary>
    public void Succeeded()
    {
        lock (_lock)
        {
            _failedInRow = 0;
            _limit = Math.Min(most, _limit + (_wasOverloaded ? 1 / _limit : 1));
            Admit();
        }
    }

    /// <summary>A call that began at <paramref name="began"/> had no reply. Calls that were already under way at the last decrease say nothing new.</summary>
    /// <param name="began">When it did.</param>
    /// <param name="isEarly">It only came too early: the endpoint is there.</param>
    public void Failed(DateTimeOffset began, bool isEarly)
    {
        lock (_lock)
        {
            _wasOverloaded = true;
            if (!isEarly) _failedInRow++;
            var now = clock.GetUtcNow();
            // Nobody answers any more: few rows should find that out.
            if (!isEarly && _failedInRow > most + 2) _heldUntil = now + TimeSpan.FromSeconds(Math.Min(LongestHold, 0.5 * Math.Pow(2, Math.Min(10, _failedInRow - most - 3))));
            if (began <= _lowered) return;
            _lowered = now;
            _limit = Math.Max(1, _limit / 2);
        }
    }

    private TimeSpan? Hold()
    {
        lock (_lock) return _heldUntil - clock.GetUtcNow() is { Ticks: > 0 } left ? left : null;
    }

    private void Admit()
    {
        while (_active < (int)_limit && _waiting.TryDequeue(out var next))
        {
            // One that was cancelled in the meantime takes no slot.
            if (next.TrySetResult()) _active++;
        }
    }
}
