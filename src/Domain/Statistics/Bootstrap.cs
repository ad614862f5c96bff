namespace XInstruct.Domain.Statistics;

/// <summary>A mean and the interval that holds it.</summary>
public readonly record struct Interval(double Mean, double Low, double High);

/// <summary>Percentile bootstrap (Efron, 1979): how sure a mean over few examples is.</summary>
public static class Bootstrap
{
    /// <summary>
    /// Interval of the mean: the values are drawn anew with replacement <paramref name="resamples"/> times; the percentiles of the
    /// resampled means bound it. For a change between two measurements of the same examples pass their differences.
    /// </summary>
    /// <param name="values">One value an example; of no values everything is NaN.</param>
    /// <param name="random">Seeded numbers.</param>
    /// <param name="resamples">How often to draw anew.</param>
    /// <param name="confidence">Share of resampled means inside the interval, in (0, 1).</param>
    public static Interval Interval(
        IReadOnlyList<double> values, DeterministicRandom random, int resamples = 1000, double confidence = 0.95)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(resamples);
        if (confidence is not (> 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "A confidence lies between 0 and 1.");
        if (values.Count == 0) return new Interval(double.NaN, double.NaN, double.NaN);
        var means = new double[resamples];
        for (var r = 0; r < resamples; r++)
        {
            var sum = 0.0;
            for (var i = 0; i < values.Count; i++) sum += values[random.Next(values.Count)];
            means[r] = sum / values.Count;
        }

        Array.Sort(means);
        var tail = (1 - confidence) / 2;
        return new Interval(values.Sum() / values.Count, Quantile(means, tail), Quantile(means, 1 - tail));
    }

    /// <summary>Quantile of sorted values with linear interpolation between neighbours.</summary>
    internal static double Quantile(ReadOnlySpan<double> sorted, double share)
    {
        var position = share * (sorted.Length - 1);
        var below = (int)Math.Floor(position);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((sorted[above] - sorted[below]) * (position - below));
    }
}
