namespace XInstruct.Domain.Statistics;

/// <summary>Percentile bootstrap (Efron 1979).</summary>
public static class Bootstrap
{
    /// <summary>Interval of the mean.</summary>
    /// <param name="values">At least one value.</param>
    /// <param name="resamples">Resamples to draw.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="level">Confidence level, 0.95 for a 95% interval.</param>
    public static (double Low, double High) Interval(ReadOnlySpan<double> values, int resamples, ulong seed, double level = 0.95)
    {
        if (values.IsEmpty) throw new ArgumentException("The bootstrap needs at least one value.", nameof(values));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(resamples);
        var random = new DeterministicRandom(seed);
        var means = new double[resamples];
        for (var r = 0; r < resamples; r++)
        {
            var sum = 0.0;
            for (var i = 0; i < values.Length; i++) sum += values[random.Next(values.Length)];
            means[r] = sum / values.Length;
        }

        Array.Sort(means);
        return (Quantile(means, (1 - level) / 2), Quantile(means, (1 + level) / 2));
    }

    /// <summary>Quantile with linear interpolation between order statistics (type 7 of Hyndman and Fan 1996).</summary>
    public static double Quantile(ReadOnlySpan<double> sorted, double share)
    {
        var position = share * (sorted.Length - 1);
        var below = (int)Math.Floor(position);
        var above = Math.Min(below + 1, sorted.Length - 1);
        return sorted[below] + ((position - below) * (sorted[above] - sorted[below]));
    }
}
