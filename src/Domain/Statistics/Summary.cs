namespace XInstruct.Domain.Statistics;

/// <summary>Count, mean and sample standard deviation (n − 1; 0 under two values).</summary>
public readonly record struct Summary(int Count, double Mean, double StandardDeviation)
{
    /// <summary>Standard error of the mean.</summary>
    public double StandardError => StandardDeviation / Math.Sqrt(Count);

    /// <summary>Summary of values; the mean of none is NaN. Two passes, so that large means cost no precision.</summary>
    public static Summary Of(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count == 0) return new Summary(0, double.NaN, 0);
        var mean = values.Sum() / values.Count;
        var squares = values.Sum(v => (v - mean) * (v - mean));
        return new Summary(values.Count, mean, values.Count < 2 ? 0 : Math.Sqrt(squares / (values.Count - 1)));
    }
}
