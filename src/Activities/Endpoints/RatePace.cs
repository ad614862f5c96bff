namespace XInstruct.Activities.Endpoints;

/// <summary>Leave for one call.</summary>
/// <param name="At">When it may begin; seconds.</param>
/// <param name="Epoch">The timetable that it stands in; -1 in none.</param>
public readonly record struct RateTicket(double At, long Epoch)
{
    /// <summary>Of a call that has not asked yet.</summary>
    public static RateTicket None { get; } = new(0, -1);
}

/// <summary>
/// Requests and tokens under one key and model as all workers share them. Each call takes the next free moment of each limit (virtual scheduling,
/// ITU-T I.371). What no recipe says is learnt from the 429s: between the first two calls are counted, from then on they are paced. A 429 lowers the
/// pace a little and throws the timetable away, so that whatever waits, waits at least as long as the endpoint asks; the pace is then held, raised very
/// slowly, and at last, when nothing comes of that either, looks for another limit. It rises only while calls wait for it. Pure; times are seconds.
/// </summary>
public sealed record RatePace
{
    /// <summary>Seconds for which a pace that was lowered is held, at last; the first times less, for little is known then.</summary>
    private const double LongestHold = 30, FirstHold = 10;

    /// <summary>A 429 before so many seconds: the pace is far too high.</summary>
    private const double Soon = 3;

    /// <summary>What a 429 leaves of the pace.</summary>
    private const double Cut = 0.985;

    /// <summary>Growth a second before, and more of it each second after that.</summary>
    private const double Slow = 0.0006, Fast = 0.0006;

    /// <summary>How far into the search a pace that was only estimated stands.</summary>
    private const double Unsure = 60;

    /// <summary>Seconds by which a call may be late before the next one waits for it.</summary>
    private const double Forgiven = 0.02;

    /// <summary>A longer silence between two calls says nothing of the endpoint.</summary>
    private const double LongestStep = 10;

    /// <summary>Last moment given for a request.</summary>
    public double RequestsAt { get; init; }

    /// <summary>When the last call began, or would have had it not been a little late.</summary>
    public double LeftAt { get; init; }

    /// <summary>When the tokens given so far are used up.</summary>
    public double TokensAt { get; init; }

    /// <summary>Nothing begins before.</summary>
    public double PausedUntil { get; init; }

    /// <summary>Requests a second; null while nothing is known.</summary>
    public double? Pace { get; init; }

    /// <summary>Seconds at that pace since it was lowered.</summary>
    public double Since { get; init; }

    /// <summary>Grows when the timetable is thrown away.</summary>
    public long Epoch { get; init; }

    /// <summary>Calls since <see cref="CountedFrom"/>.</summary>
    public long Counted { get; init; }

    /// <summary>The first 429; 0 before.</summary>
    public double CountedFrom { get; init; }

    /// <summary>429s in a row that came soon.</summary>
    public int InRow { get; init; }

    /// <summary>429s since the pace was first estimated.</summary>
    public int Lessons { get; init; }

    /// <summary>When somebody last asked.</summary>
    public double AskedAt { get; init; }

    /// <summary>Takes the next free moment.</summary>
    /// <param name="now">Now.</param>
    /// <param name="every">Seconds between requests that the recipe allows; 0 for any.</param>
    /// <param name="takes">Seconds of the recipe's tokens that the call uses up.</param>
    /// <param name="before">The moment that the call had in a timetable that was thrown away.</param>
    public (RatePace Next, RateTicket Ticket) Take(double now, double every, double takes, RateTicket before) =>
        Recount(before).Take(now, every, takes, isCounted: Pace is null && before.Epoch != Epoch);

    private (RatePace Next, RateTicket Ticket) Take(double now, double every, double takes, bool isCounted)
    {
        var open = Math.Max(now, PausedUntil);
        var pace = Pace;
        var since = Since;
        if (pace is { } p && 1 / p >= every && RequestsAt + (1 / p) > Math.Max(open, TokensAt))
        {
            var step = Math.Clamp(now - AskedAt, 0, LongestStep);
            pace = p * Math.Exp(step * Growth(since));
            since += step;
        }

        var requests = Math.Max(RequestsAt + Math.Max(every, pace is { } q ? 1 / q : 0), open);
        var tokens = Math.Max(TokensAt, open);
        var next = this with
        {
            RequestsAt = requests,
            TokensAt = tokens + takes,
            Pace = pace,
            Since = since,
            Counted = isCounted ? Counted + 1 : Counted,
            AskedAt = now,
        };
        return (next, new RateTicket(Math.Max(requests, tokens), Epoch));
    }

    /// <summary>A call whose moment came wants to begin. One that is late makes the next one later: two close together are what the endpoint refuses.</summary>
    /// <param name="ticket">Its leave.</param>
    /// <param name="now">Now.</param>
    /// <returns>Seconds to wait before it asks this again; 0 to begin; null to take a new moment.</returns>
    public (RatePace Next, double? Wait) Leave(RateTicket ticket, double now)
    {
        if (ticket.Epoch != Epoch || PausedUntil > now) return (this, null);
        if (Pace is not { } pace) return (this, 0);
        var open = LeftAt + (1 / pace);
        return now < open ? (this, open - now) : (this with { LeftAt = Math.Max(open, now - Forgiven) }, 0);
    }

    /// <summary>Puts right what a call was thought to take.</summary>
    public RatePace Correct(double takes) => this with { TokensAt = TokensAt + takes };

    /// <summary>The endpoint asks to be left alone.</summary>
    /// <param name="now">Now.</param>
    /// <param name="ticket">Of the call that it told so. What a call of an earlier timetable is told is no news of the pace.</param>
    /// <param name="pause">For how long.</param>
    /// <param name="isEarly">Because calls come too fast (429).</param>
    public RatePace Pause(double now, RateTicket ticket, double pause, bool isEarly)
    {
        var until = Math.Max(PausedUntil, now + pause);
        if (!isEarly) return this with { PausedUntil = until };
        if (ticket.Epoch != Epoch) return Recount(ticket) with { PausedUntil = until };
        var next = this with { PausedUntil = until, RequestsAt = until, TokensAt = Math.Max(until, TokensAt), Epoch = Epoch + 1, Since = 0 };
        if (Pace is { } pace)
        {
            var soon = Since < Soon ? Math.Min(InRow + 1, 4) : 0;
            next = next with { Pace = pace * Math.Pow(Cut, 1 << soon) * Math.Exp(-2 * Growth(Since)), Counted = 0, InRow = soon, Lessons = Math.Min(Lessons + 1, 100) };
            return next with { Since = soon > 1 ? next.Calm : 0 };
        }

        return Counted > 1 && CountedFrom > 0 && now > CountedFrom
            ? next with { Pace = (Counted - 1) / (now - CountedFrom), Counted = Counted - 1, Since = Unsure }
            : next with { Counted = 0, CountedFrom = now };
    }

    private double Held => Math.Min(LongestHold, FirstHold * Lessons);

    /// <summary>Seconds after which the limit is looked for elsewhere.</summary>
    private double Calm => 3 * Held;

    private double Growth(double since) => since < Held ? 0 : since < Calm ? Slow : Fast * (since - Calm);

    /// <summary>A call was counted for the first pace and turns out to have been too early as well, or was not even made.</summary>
    private RatePace Recount(RateTicket ticket) =>
        Pace is { } pace && Counted > 1 && ticket.Epoch == Epoch - 1 ? this with { Pace = pace * (Counted - 1) / Counted, Counted = Counted - 1 } : this;
}
