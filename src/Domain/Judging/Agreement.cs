namespace XInstruct.Domain.Judging;

/// <summary>How far apart two values of a scale are.</summary>
public enum ScaleKind
{
    /// <summary>Equal or not: win, tie, loss.</summary>
    Nominal,

    /// <summary>By how many values lie between them.</summary>
    Ordinal,

    /// <summary>By their difference: scores.</summary>
    Interval,
}

/// <summary>How much several judges agree beyond chance.</summary>
public static class Agreement
{
    /// <summary>
    /// Krippendorff's α (Krippendorff 2011): 1 for full agreement, 0 for chance, below for less. Any number of judges, who need not all have judged all items;
    /// items with one judgment do not count.
    /// </summary>
    /// <param name="items">The judgments of each item.</param>
    /// <param name="scale">The scale.</param>
    /// <returns>NaN when no item has two judgments, or all judgments are the same.</returns>
    public static double Alpha(IEnumerable<IReadOnlyList<double>> items, ScaleKind scale)
    {
        ArgumentNullException.ThrowIfNull(items);
        var paired = items.Where(item => item.Count > 1).ToArray();
        var counts = new SortedDictionary<double, double>();
        foreach (var value in paired.SelectMany(item => item)) counts[value] = counts.GetValueOrDefault(value) + 1;
        double total = counts.Values.Sum();
        double[] values = [.. counts.Keys];
        var distances = Distances(values, counts, scale);
        var observed = 0.0;
        foreach (var item in paired)
        {
            var places = item.Select(value => Array.BinarySearch(values, value)).ToArray();
            observed += places.Sum(a => places.Sum(b => distances[a, b])) / (item.Count - 1);
        }

        var expected = 0.0;
        for (var a = 0; a < values.Length; a++)
        {
            for (var b = 0; b < values.Length; b++) expected += counts[values[a]] * counts[values[b]] * distances[a, b];
        }

        return 1 - ((total - 1) * observed / expected);
    }

    private static double[,] Distances(double[] values, SortedDictionary<double, double> counts, ScaleKind scale)
    {
        var distances = new double[values.Length, values.Length];
        for (var a = 0; a < values.Length; a++)
        {
            for (var b = 0; b < a; b++)
            {
                var distance = scale switch
                {
                    ScaleKind.Nominal => 1,
                    ScaleKind.Interval => values[a] - values[b],
                    _ => values[b..(a + 1)].Sum(value => counts[value]) - ((counts[values[a]] + counts[values[b]]) / 2),
                };
                distances[a, b] = distances[b, a] = distance * distance;
            }
        }

        return distances;
    }
}
