using XInstruct.Activities.Reports;

namespace XInstruct.Activities.Truth;

/// <summary>Right and kept, counted.</summary>
public sealed record Tally(int All, int Right, int Kept, int RightKept)
{
    /// <summary>The sum.</summary>
    public static Tally operator +(Tally a, Tally b) => new(a.All + b.All, a.Right + b.Right, a.Kept + b.Kept, a.RightKept + b.RightKept);

    /// <summary>One text.</summary>
    public static Tally Of(bool isRight, bool isKept) => new(1, isRight ? 1 : 0, isKept ? 1 : 0, isRight && isKept ? 1 : 0);
}

/// <summary>Precision and accuracy by iteration and language.</summary>
public sealed class TruthResult
{
    private readonly IReadOnlyDictionary<(int Iteration, string Language), Tally> _tallies;

    /// <summary>A result of counts.</summary>
    public TruthResult(
        IReadOnlyDictionary<(int Iteration, string Language), Tally> tallies, IReadOnlyList<ScreeningReport>? screening, BaselineReport? baseline = null) =>
        (_tallies, Screening, Baseline) = (tallies, screening, baseline);

    /// <summary>Accuracy of what needs no model; null when nothing was accepted.</summary>
    public BaselineReport? Baseline { get; }

    /// <summary>How well spoilt rows were found, by language; null when the truth does not say which are.</summary>
    public IReadOnlyList<ScreeningReport>? Screening { get; }

    /// <summary>
    /// Precision (right among kept) and accuracy (right among all accepted texts) at the end of an iteration; over all languages when none is named.
    /// Null where there is nothing to divide by.
    /// </summary>
    public (double? Precision, double? Accuracy) Of(int iteration, string? language)
    {
        var sum = _tallies.Where(t => t.Key.Iteration == iteration && (language is null || t.Key.Language == language)).Aggregate(new Tally(0, 0, 0, 0), (a, t) => a + t.Value);
        return (Share(sum.RightKept, sum.Kept), Share(sum.Right, sum.All));
    }

    private static double? Share(int part, int whole) => whole == 0 ? null : Math.Round((double)part / whole, 4);
}
