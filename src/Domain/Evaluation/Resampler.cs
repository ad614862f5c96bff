using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Evaluation;

/// <summary>A score with the scores of its resamples.</summary>
/// <param name="Score">Of all items.</param>
/// <param name="Replicates">Of the items that each resample drew; empty when there is nothing to draw from.</param>
/// <param name="Count">Items.</param>
public sealed record Estimate(double Score, double[] Replicates, int Count)
{
    /// <summary>95% percentile interval (Efron 1979).</summary>
    public (double Low, double High) Interval { get; } = Of(Replicates);

    /// <summary>Mean of scores; resamples are averaged one by one, so that what they have in common stays.</summary>
    public static Estimate Mean(IReadOnlyList<Estimate> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var replicates = new double[parts.Min(part => part.Replicates.Length)];
        for (var r = 0; r < replicates.Length; r++) replicates[r] = parts.Average(part => part.Replicates[r]);
        return new Estimate(parts.Average(part => part.Score), replicates, parts.Sum(part => part.Count));
    }

    /// <summary>What this one has more than another whose resamples drew the same items.</summary>
    public Estimate Minus(Estimate other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new Estimate(Score - other.Score, [.. Replicates.Zip(other.Replicates, (a, b) => a - b)], Math.Min(Count, other.Count));
    }

    private static (double Low, double High) Of(double[] replicates)
    {
        double[] sorted = [.. replicates.Where(double.IsFinite).Order()];
        return sorted.Length == 0 ? (double.NaN, double.NaN) : (Bootstrap.Quantile(sorted, 0.025), Bootstrap.Quantile(sorted, 0.975));
    }
}

/// <summary>
/// Draws items with replacement. What is drawn depends on the seed, the task and the number of items alone: models, and languages whose files are
/// parallel, are resampled together, so that differences between models are paired, and a mean over languages is not taken for surer than it is.
/// </summary>
/// <param name="resamples">How often.</param>
/// <param name="seed">Seed.</param>
public sealed class Resampler(int resamples, ulong seed)
{
    /// <summary>A score and its resamples.</summary>
    /// <param name="task">Name of the task.</param>
    /// <param name="items">Each item's numbers, of equal length.</param>
    /// <param name="score">The score of their sums.</param>
    public Estimate Estimate(string task, IReadOnlyList<double[]> items, Func<double[], double> score)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(score);
        if (items.Count == 0) return new Estimate(double.NaN, [], 0);
        var replicates = new double[resamples];
        for (var r = 0; r < resamples; r++)
        {
            var random = new DeterministicRandom(seed, DeterministicRandom.SeedOf(task), (ulong)r);
            var sums = new double[items[0].Length];
            for (var i = 0; i < items.Count; i++) Add(sums, items[random.Next(items.Count)]);
            replicates[r] = score(sums);
        }

        return new Estimate(score(Sums(items)), replicates, items.Count);
    }

    /// <summary>
    /// Two-sided p-value of the difference between two models on the same items: an exact McNemar test (1947) where an item is right or wrong, an
    /// approximate randomisation test (Noreen 1989) otherwise.
    /// </summary>
    public double PValue(string task, IReadOnlyList<double[]> first, IReadOnlyList<double[]> second, Measure measure)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentNullException.ThrowIfNull(measure);
        if (first.Count == 0) return double.NaN;
        if (measure.IsBinary) return McNemar(first.Zip(second).Count(pair => pair.First[0] > pair.Second[0]), first.Zip(second).Count(pair => pair.First[0] < pair.Second[0]));
        var observed = Math.Abs(measure.Score(Sums(first)) - measure.Score(Sums(second)));
        var asLarge = 0;
        for (var r = 0; r < resamples; r++)
        {
            var random = new DeterministicRandom(seed, DeterministicRandom.SeedOf(task), (ulong)r, 1);
            var (a, b) = (new double[first[0].Length], new double[first[0].Length]);
            for (var i = 0; i < first.Count; i++)
            {
                var isSwapped = (random.NextUInt64() >> 63) == 1;
                Add(isSwapped ? b : a, first[i]);
                Add(isSwapped ? a : b, second[i]);
            }

            if (Math.Abs(measure.Score(a) - measure.Score(b)) >= observed - 1e-12) asLarge++;
        }

        return (asLarge + 1.0) / (resamples + 1.0);
    }

    /// <summary>Exact two-sided McNemar test from the items that only one of two models has right: a binomial test with probability ½.</summary>
    public static double McNemar(int onlyFirst, int onlySecond)
    {
        var count = onlyFirst + onlySecond;
        // Each term from the one before, as logarithms: ½ to the power of many items is no number.
        var (term, sum) = (count * Math.Log(0.5), 0.0);
        for (var k = 0; k <= Math.Min(onlyFirst, onlySecond); k++)
        {
            sum += Math.Exp(term);
            term += Math.Log(count - k) - Math.Log(k + 1);
        }

        return Math.Min(1, 2 * sum);
    }

    /// <summary>P-values that hold together for all comparisons (Holm 1979), in their order; those that are no numbers stay so.</summary>
    public static double[] Holm(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        var order = Enumerable.Range(0, values.Count).Where(i => !double.IsNaN(values[i])).OrderBy(i => values[i]).ToArray();
        double[] adjusted = [.. values];
        var most = 0.0;
        for (var rank = 0; rank < order.Length; rank++)
        {
            most = Math.Max(most, Math.Min(1, (order.Length - rank) * values[order[rank]]));
            adjusted[order[rank]] = most;
        }

        return adjusted;
    }

    private static double[] Sums(IReadOnlyList<double[]> items)
    {
        var sums = new double[items[0].Length];
        foreach (var item in items) Add(sums, item);
        return sums;
    }

    private static void Add(double[] sums, double[] item)
    {
        for (var i = 0; i < sums.Length; i++) sums[i] += item[i];
    }
}
