using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Judging;

/// <summary>One question's answers by two models, judged in both orders.</summary>
/// <param name="Question">Id of the question; answers are joined by it.</param>
/// <param name="Group">Language, category or both: what results are broken down by.</param>
/// <param name="Forward">Scores with model A's answer first; null when the reply held none.</param>
/// <param name="Backward">Scores with model B's answer first; null when the reply held none.</param>
/// <param name="LengthA">Code points of A's answer.</param>
/// <param name="LengthB">Code points of B's.</param>
public sealed record JudgedPair(string Question, string Group, PairScores? Forward, PairScores? Backward, int LengthA, int LengthB)
{
    /// <summary>Sums over both orders; null unless both could be read.</summary>
    public (int A, int B)? Sums => Forward is { } f && Backward is { } b ? (f.First + b.Second, f.Second + b.First) : null;

    /// <summary>1 when A has the higher sum, −1 when B has, 0 when they are equal; null unless both orders could be read.</summary>
    public int? Outcome => Sums is var (a, b) ? Math.Sign(a - b) : null;

    /// <summary>Whether the two orders name different winners: each prefers the answer in the same place.</summary>
    public bool IsFlipped => Forward is { } f && Backward is { } b && Math.Sign(f.First - f.Second) * Math.Sign(b.Second - b.First) < 0;
}

/// <summary>What the judged pairs of two models come to.</summary>
/// <param name="Count">Pairs of which both orders could be read.</param>
/// <param name="Unread">Other pairs; they count nowhere else.</param>
/// <param name="Wins">Pairs that A wins.</param>
/// <param name="Ties">Pairs with equal sums.</param>
/// <param name="Losses">Pairs that B wins.</param>
/// <param name="MeanA">Mean score of A's answers over both orders; NaN without a pair.</param>
/// <param name="MeanB">Of B's.</param>
/// <param name="Interval">95% bootstrap interval of the win rate; null without a pair.</param>
/// <param name="FlipRate">Share of pairs in which the orders name different winners.</param>
/// <param name="LongerWins">Share of decided pairs with answers of unequal length that the longer one wins; NaN when there is none. 0.5 shows no bias.</param>
public sealed record PairwiseScores(
    int Count, int Unread, int Wins, int Ties, int Losses, double MeanA, double MeanB, (double Low, double High)? Interval, double FlipRate, double LongerWins)
{
    /// <summary>Wins and half the ties over all pairs.</summary>
    public double WinRate => (Wins + (Ties / 2.0)) / Count;

    /// <summary>Sums up pairs.</summary>
    /// <param name="pairs">The pairs, at most one a question and group.</param>
    /// <param name="seed">Decides the bootstrap's draws.</param>
    /// <param name="resamples">Draws of the bootstrap.</param>
    /// <exception cref="ArgumentException">A question occurs twice in a group.</exception>
    public static PairwiseScores Of(IReadOnlyList<JudgedPair> pairs, ulong seed, int resamples = 1000)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.CountBy(pair => (pair.Group, pair.Question)).FirstOrDefault(entry => entry.Value > 1) is { Value: > 1 } twice)
            throw new ArgumentException($"Question {twice.Key.Question} of {twice.Key.Group} is judged twice.", nameof(pairs));
        // By question: the interval does not depend on the order of a file.
        var read = pairs.Where(pair => pair.Outcome is not null).OrderBy(pair => pair.Group, StringComparer.Ordinal).ThenBy(pair => pair.Question, StringComparer.Ordinal).ToArray();
        var decided = read.Where(pair => pair.Outcome != 0 && pair.LengthA != pair.LengthB).ToArray();
        return new PairwiseScores(
            read.Length,
            pairs.Count - read.Length,
            read.Count(pair => pair.Outcome > 0),
            read.Count(pair => pair.Outcome == 0),
            read.Count(pair => pair.Outcome < 0),
            Mean(read, pair => pair.Sums!.Value.A / 2.0),
            Mean(read, pair => pair.Sums!.Value.B / 2.0),
            read.Length == 0 ? null : Bootstrap.Interval([.. read.Select(pair => (pair.Outcome!.Value + 1) / 2.0)], resamples, seed),
            Mean(read, pair => pair.IsFlipped ? 1 : 0),
            Mean(decided, pair => pair.Outcome > 0 == pair.LengthA > pair.LengthB ? 1 : 0));
    }

    private static double Mean(JudgedPair[] pairs, Func<JudgedPair, double> value) => pairs.Length == 0 ? double.NaN : pairs.Average(value);
}
