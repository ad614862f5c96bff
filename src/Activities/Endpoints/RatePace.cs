using System.Text.Json.Serialization;

namespace XInstruct.Activities.Endpoints;

/// <summary>Leave for one call.</summary>
/// <param name="At">When it may begin, and once it left, when it did; seconds.</param>
/// <param name="Epoch">The timetable that it stands in; -1 in none.</param>
public readonly record struct RateTicket(double At, long Epoch)
{
    /// <summary>Of a call that has not asked yet.</summary>
    public static RateTicket None { get; } = new(0, -1);
}

/// <summary>
/// Requests and tokens under one key and model as all workers share them. Each call takes the next free moment of each limit (virtual scheduling,
/// ITU-T I.371). What no recipe says is learnt from the 429s: between the first two calls are counted, from then on they are paced. A 429 lowers the
/// pace a little and throws the timetable away, so that whatever waits, waits at least as long as the endpoint asks; then the pace comes back to where
/// the 429 met it, stays there longest, and looks for another limit ever faster: the curve of CUBIC (RFC 9438). It rises only while calls wait for it.
/// Calls that are late cost nothing as long as no second has more of them than it may have. Pure; times are seconds.
/// </summary>
public sealed record RatePace
{
    /// <summary>Seconds from a 429 until the pace is back, and then until it is as far above as it was below.</summary>
    private const double Back = 50, Above = 15;

    /// <summary>What a 429 takes of the pace; the next one that comes soon twice as much.</summary>
    private const double Cut = 0.02;

    /// <summary>A 429 before so many seconds: the pace is far too high.</summary>
    private const double Soon = 3;

    /// <summary>The pace so many seconds before a 429 is the one that led to it.</summary>
    private const double Lag = 2;

    /// <summary>Calls of the last second that are remembered, at most.</summary>
    private const int Remembered = 100;

    /// <summary>Calls that are late follow each other at this many times the pace.</summary>
    private const double Hurry = 2;

    /// <summary>A longer silence between two calls says nothing of the endpoint.</summary>
    private const double LongestStep = 10;

    /// <summary>Last moment given for a request.</summary>
    public double RequestsAt { get; init; }

    /// <summary>When the tokens given so far are used up.</summary>
    public double TokensAt { get; init; }

    /// <summary>Nothing begins before.</summary>
    public double PausedUntil { get; init; }

    /// <summary>Requests a second at which the last 429 came; null while nothing is known.</summary>
    public double? Peak { get; init; }

    /// <summary>Seconds since then in which calls waited for the pace.</summary>
    public double Since { get; init; }

    /// <summary>Grows when the timetable is thrown away.</summary>
    public long Epoch { get; init; }

    /// <summary>Calls since <see cref="CountedFrom"/>.</summary>
    public long Counted { get; init; }

    /// <summary>The first 429; 0 before.</summary>
    public double CountedFrom { get; init; }

    /// <summary>429s in a row that came soon.</summary>
    public int InRow { get; init; }

    /// <summary>When somebody last asked.</summary>
    public double AskedAt { get; init; }

    /// <summary>When the last calls began.</summary>
    public IReadOnlyList<double> Begun { get; init; } = [];

    /// <summary>Requests a second; null while nothing is known.</summary>
    [JsonIgnore]
    public double? Pace => PaceAt(Since);

    /// <summary>Takes the next free moment.</summary>
    /// <param name="now">Now.</param>
    /// <param name="every">Seconds between requests that the recipe allows; 0 for any.</param>
    /// <param name="takes">Seconds of the recipe's tokens that the call uses up.</param>
    /// <param name="before">The moment that the call had in a timetable that was thrown away.</param>
    public (RatePace Next, RateTicket Ticket) Take(double now, double every, double takes, RateTicket before) =>
        Recount(before).Take(now, every, takes, isCounted: Peak is null && before.Epoch != Epoch);

    private (RatePace Next, RateTicket Ticket) Take(double now, double every, double takes, bool isCounted)
    {
        var open = Math.Max(now, PausedUntil);
        var isWaited = Pace is { } pace && 1 / pace >= every && RequestsAt + (1 / pace) > Math.Max(open, TokensAt);
        var since = isWaited ? Since + Math.Clamp(now - AskedAt, 0, LongestStep) : Since;
        var requests = Math.Max(RequestsAt + Math.Max(every, PaceAt(since) is { } p ? 1 / p : 0), open);
        var tokens = Math.Max(TokensAt, open);
        var next = this with
        {
            RequestsAt = requests,
            TokensAt = tokens + takes,
            Since = since,
            Counted = isCounted ? Counted + 1 : Counted,
            AskedAt = now,
        };
        return (next, new RateTicket(Math.Max(requests, tokens), Epoch));
    }

    /// <summary>
    /// A call whose moment came wants to begin. One that is late must only see to it that no second, or what has one call when that is longer, has more
    /// of them than the pace gives it: that is what an endpoint counts.
    /// </summary>
    /// <param name="ticket">Its leave.</param>
    /// <param name="now">Now.</param>
    /// <returns>Seconds to wait before it asks this again; 0 to begin; null to take a new moment.</returns>
    public (RatePace Next, double? Wait) Leave(RateTicket ticket, double now)
    {
        if (ticket.Epoch != Epoch || PausedUntil > now) return (this, null);
        if (Pace is not { } pace) return (this, 0);
        var most = (int)Math.Min(Remembered, Math.Ceiling(pace));
        var open = Math.Max(
            Begun.Count < most ? 0 : Begun[^most] + (most / pace),
            Begun.Count == 0 ? 0 : Begun[^1] + (1 / (most == 1 ? pace : Hurry * pace)));
        return now < open ? (this, open - now) : (this with { Begun = [.. Begun.TakeLast(most - 1), now] }, 0);
    }

    /// <summary>A call that had left began only later.</summary>
    /// <param name="ticket">Its leave.</param>
    /// <param name="late">By how many seconds.</param>
    public RatePace Delay(RateTicket ticket, double late) =>
        Begun.Contains(ticket.At) ? this with { Begun = [.. Begun.Select(b => b == ticket.At ? b + late : b).Order()] } : this;

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
        if (Peak is not null)
        {
            // Between a 429 and the pace that led to it lies what the endpoint had saved up, or forgave.
            return next with { Peak = PaceAt(Math.Max(0, Since - Lag)), Counted = 0, InRow = Since < Soon ? Math.Min(InRow + 1, 4) : 0 };
        }

        // Only estimated, it is looked for at once.
        return Counted > 1 && CountedFrom > 0 && now > CountedFrom
            ? next with { Peak = (Counted - 1) / (now - CountedFrom), Counted = Counted - 1, Since = Back + Above }
            : next with { Counted = 0, CountedFrom = now };
    }

    private double? PaceAt(double since)
    {
        var x = since < Back ? (since - Back) / Back : (since - Back) / Above;
        return Peak * (1 + (Cut * (since < Back ? 1 << InRow : 1) * x * x * x));
    }

    /// <summary>A call was counted for the first pace and turns out to have been too early as well, or was not even made.</summary>
    private RatePace Recount(RateTicket ticket) =>
        Peak is { } peak && Counted > 1 && ticket.Epoch == Epoch - 1 ? this with { Peak = peak * (Counted - 1) / Counted, Counted = Counted - 1 } : this;
}
