namespace XInstruct.Domain.Metrics;

/// <summary>How well a number orders items.</summary>
public static class Ranks
{
    /// <summary>Area under the ROC curve: how often a positive item stands above a negative one, ties counting half (Hanley and McNeil 1982).</summary>
    /// <exception cref="ArgumentException">There is no positive, or no negative, item.</exception>
    public static double AreaUnderRoc(IReadOnlyList<bool> isPositive, IReadOnlyList<double> scores)
    {
        ArgumentNullException.ThrowIfNull(isPositive);
        var positives = isPositive.Count(p => p);
        var negatives = isPositive.Count - positives;
        if (positives == 0 || negatives == 0) throw new ArgumentException("Both kinds must occur.", nameof(isPositive));
        var ranks = Of(scores);
        return (Enumerable.Range(0, ranks.Length).Where(i => isPositive[i]).Sum(i => ranks[i]) - (positives * (positives + 1.0) / 2)) / ((double)positives * negatives);
    }

    /// <summary>Average precision: the mean precision over the positive items, items with equal scores taken together.</summary>
    /// <exception cref="ArgumentException">There is no positive item.</exception>
    public static double AveragePrecision(IReadOnlyList<bool> isPositive, IReadOnlyList<double> scores)
    {
        ArgumentNullException.ThrowIfNull(isPositive);
        ArgumentNullException.ThrowIfNull(scores);
        double positives = isPositive.Count(p => p);
        if (positives == 0) throw new ArgumentException("A positive item must occur.", nameof(isPositive));
        var (seen, found, sum) = (0, 0, 0.0);
        foreach (var tied in Enumerable.Range(0, scores.Count).GroupBy(i => scores[i]).OrderByDescending(group => group.Key))
        {
            var more = tied.Count(i => isPositive[i]);
            seen += tied.Count();
            found += more;
            sum += more / positives * found / seen;
        }

        return sum;
    }

    /// <summary>Correlation of two numbers; NaN when one of them is constant.</summary>
    public static double Pearson(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var (meanX, meanY) = (x.Average(), y.Average());
        var (xx, yy, xy) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Count; i++)
        {
            var (a, b) = (x[i] - meanX, y[i] - meanY);
            (xx, yy, xy) = (xx + (a * a), yy + (b * b), xy + (a * b));
        }

        return xy / Math.Sqrt(xx) / Math.Sqrt(yy);
    }

    /// <summary>Correlation of ranks, those of ties being their mean (Spearman 1904).</summary>
    public static double Spearman(IReadOnlyList<double> x, IReadOnlyList<double> y) => Pearson(Of(x), Of(y));

    /// <summary>Pairs in the same order minus pairs in the opposite one, over pairs untied in x and untied in y (tau-b, Kendall 1945).</summary>
    public static double Kendall(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        ArgumentNullException.ThrowIfNull(x);
        ArgumentNullException.ThrowIfNull(y);
        var (difference, untiedX, untiedY) = (0L, 0L, 0L);
        for (var i = 0; i < x.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (a, b) = (x[i].CompareTo(x[j]), y[i].CompareTo(y[j]));
                difference += Math.Sign(a) * Math.Sign(b);
                if (a != 0) untiedX++;
                if (b != 0) untiedY++;
            }
        }

        return difference / Math.Sqrt((double)untiedX * untiedY);
    }

    // From 1 up; equal values share the mean of their ranks.
    private static double[] Of(IReadOnlyList<double> values)
    {
        var ranks = new double[values.Count];
        var before = 0;
        foreach (var tied in Enumerable.Range(0, values.Count).GroupBy(i => values[i]).OrderBy(group => group.Key))
        {
            var count = tied.Count();
            foreach (var i in tied) ranks[i] = before + ((count + 1) / 2.0);
            before += count;
        }

        return ranks;
    }
}
