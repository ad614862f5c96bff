using System.Globalization;
using XInstruct.Activities.Endpoints;

namespace XInstruct.Cli.Display;

/// <summary>Money and pace of calls to endpoints, in words.</summary>
internal static class EndpointText
{
    /// <summary>What was paid, may be, and is under way; null for a run that calls no endpoint.</summary>
    public static string? Money(RunView view)
    {
        if (view.Pulse.Budget is not { } b) return null;
        var cap = b.Cap is { } c ? $" of ${c.ToString("0.00##", CultureInfo.InvariantCulture)}" : "";
        var reserved = b.Reserved > 0 ? $", at most ${Usd(b.Reserved)} under way" : "";
        var assumed = b.Assumed > 0 ? $", ${Usd(b.Assumed)} of it for calls whose reply never came" : "";
        return $"paid ${Usd(b.Spent + b.Assumed)}{cap}{assumed}{reserved}";
    }

    /// <summary>What holds calls back, endpoint by endpoint.</summary>
    public static IEnumerable<string> Paces(RunView view) => view.Pulse.Endpoints.Select(e => $"{e.Role} {TerminalText.Clean(e.Model)}: {Pace(e.Rate)}");

    /// <summary>Both, at the end of a line.</summary>
    public static string Line(RunView view) => Money(view) is { } money ? $"; {money}; {string.Join("; ", Paces(view))}" : "";

    private static string Pace(RateState? rate) => rate switch
    {
        null => "no call under this key yet",
        { Pause.TotalSeconds: > 0.5 } => string.Create(CultureInfo.InvariantCulture, $"asked to wait, {rate.Pause.TotalSeconds:F0} s left"),
        { RequestsPerMinute: { } learnt } => string.Create(CultureInfo.InvariantCulture, $"slowed down to {learnt:N0} requests a minute by 429s"),
        { Queue.TotalSeconds: > 0.5 } => string.Create(CultureInfo.InvariantCulture, $"at its limit, the next call in {rate.Queue.TotalSeconds:F0} s"),
        _ => "not held back",
    };

    private static string Usd(decimal usd) => usd.ToString("0.0000", CultureInfo.InvariantCulture);
}
