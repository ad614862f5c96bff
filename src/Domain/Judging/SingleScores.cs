namespace XInstruct.Domain.Judging;

/// <summary>One judge's scores of one model's answers, one by one, on a scale with a highest score.</summary>
/// <param name="Count">Answers.</param>
/// <param name="Unread">Replies that held no score.</param>
/// <param name="Sum">Sum of the scores.</param>
/// <param name="Highest">Highest score that an answer can get.</param>
public sealed record SingleScores(int Count, int Unread, int Sum, int Highest)
{
    /// <summary>Counts scores, null where a reply held none.</summary>
    /// <param name="scores">Scores of all answers; at least one.</param>
    /// <param name="highest">Highest score: 5.</param>
    public static SingleScores Of(IReadOnlyList<int?> scores, int highest = 5)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentOutOfRangeException.ThrowIfZero(scores.Count);
        return new SingleScores(scores.Count, scores.Count(score => score is null), scores.Sum(score => score ?? 0), highest);
    }

    /// <summary>Mean of the replies that held a score; NaN when none did.</summary>
    public double Mean => Sum / (double)(Count - Unread);

    /// <summary>Mean over all answers, an unread reply counting 0, as komt's table has it.</summary>
    public double CompatMean => Sum / (double)Count;

    /// <summary>The same as a percentage of the highest possible, cut (not rounded) to two decimals.</summary>
    public decimal CompatPercent => Cut(Count);

    /// <summary>The percentage of the replies that held a score; null when none did.</summary>
    public decimal? Percent => Count == Unread ? null : Cut(Count - Unread);

    private decimal Cut(int answers) => Math.Truncate(100m * 100 * Sum / (Highest * (decimal)answers)) / 100;
}
