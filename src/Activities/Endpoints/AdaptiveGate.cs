namespace XInstruct.Activities.Endpoints;

/// <summary>
/// How many calls of this process may be under way to one endpoint: doubled a round trip until the first overload, from then on additive increase and
/// multiplicative decrease (Chiu and Jain, 1989). First come, first served, so a call that comes again stands behind those that wait.
/// When nobody is at the endpoint one call at a time looks, ever more seldom, and after the last try all who wait are told: it is the endpoint's
/// tries that count then, since no row has to do with it.
/// </summary>
/// <param name="most">Calls at once, at most.</param>
/// <param name="tries">Calls in a row, at most, that find nobody at the endpoint.</param>
/// <param name="clock">Time.</param>
public sealed class AdaptiveGate(int most, int tries, TimeProvider clock)
{
    private const int First = 8;
    private const double LongestHold = 30;

    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource<bool>> _waiting = [];
    private double _limit = Math.Min(First, most);
    private bool _wasOverloaded;
    private DateTimeOffset _lowered = DateTimeOffset.MinValue;
    private DateTimeOffset _heldUntil = DateTimeOffset.MinValue;
    private DateTimeOffset _missedAt = DateTimeOffset.MinValue;
    private DateTimeOffset _gaveUpAt = DateTimeOffset.MinValue;
    private int _active;
    private int _failedInRow;
    private int _missedInRow;
    private int _gaveUp;

    /// <summary>Calls that may be under way now.</summary>
    public int Limit
    {
        get
        {
            lock (_lock) return Allowed;
        }
    }

    private int Allowed => _missedInRow > 0 ? 1 : (int)_limit;

    /// <summary>Waits for a slot. The caller gives it back with <see cref="Leave"/>.</summary>
    /// <returns>False, without a slot, when it came out in the meantime that nobody is at the endpoint.</returns>
    public async Task<bool> EnterAsync(CancellationToken ct)
    {
        TaskCompletionSource<bool>? turn = null;
        int gaveUp;
        lock (_lock)
        {
            gaveUp = _gaveUp;
            if (_waiting.Count == 0 && _active < Allowed) _active++;
            else _waiting.Enqueue(turn = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        if (turn is not null)
        {
            await using var registration = ct.Register(() => turn.TrySetCanceled(ct));
            if (!await turn.Task) return false;
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

        lock (_lock)
        {
            if (gaveUp == _gaveUp) return true;
        }

        Leave();
        return false;
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
            Found();
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
            Found();
            if (!isEarly) _failedInRow++;
            var now = clock.GetUtcNow();
            // Nobody answers any more: few rows should find that out.
            if (!isEarly && _failedInRow > most + 2) _heldUntil = now + TimeSpan.FromSeconds(Math.Min(LongestHold, 0.5 * Math.Pow(2, Math.Min(10, _failedInRow - most - 3))));
            if (began <= _lowered) return;
            _lowered = now;
            _limit = Math.Max(1, _limit / 2);
        }
    }

    /// <summary>A call that began at <paramref name="began"/> found nobody at the endpoint.</summary>
    /// <returns>True when that was the last try; all who wait are told.</returns>
    public bool Missed(DateTimeOffset began)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            if (_gaveUp > 0 && began <= _gaveUpAt) return true;
            // Calls that were under way together are one try.
            if (_missedInRow > 0 && (began <= _missedAt || now < _heldUntil)) return false;
            _missedAt = now;
            if (++_missedInRow < tries)
            {
                _heldUntil = now + TimeSpan.FromSeconds(Math.Min(LongestHold, Math.Pow(2, Math.Min(10, _missedInRow - 1))));
                return false;
            }

            // Who comes from now on, as after the next start, looks anew.
            (_gaveUp, _gaveUpAt, _missedInRow, _heldUntil) = (_gaveUp + 1, now, 0, DateTimeOffset.MinValue);
            while (_waiting.TryDequeue(out var next)) next.TrySetResult(false);
            return true;
        }
    }

    // Somebody is there, whatever they said.
    private void Found()
    {
        if (_missedInRow == 0) return;
        (_missedInRow, _heldUntil) = (0, DateTimeOffset.MinValue);
        Admit();
    }

    private TimeSpan? Hold()
    {
        lock (_lock) return _heldUntil - clock.GetUtcNow() is { Ticks: > 0 } left ? left : null;
    }

    private void Admit()
    {
        while (_active < Allowed && _waiting.TryDequeue(out var next))
        {
            // One that was cancelled in the meantime takes no slot.
            if (next.TrySetResult(true)) _active++;
        }
    }
}
