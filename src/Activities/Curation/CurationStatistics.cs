using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Curation;

/// <summary>A part of the rows before and after sampling. Lengths are means, in code points; perplexities are medians.</summary>
/// <param name="Name">What the rows have in common.</param>
/// <param name="Before">Rows.</param>
/// <param name="After">Rows that are kept.</param>
/// <param name="ShareBefore">Of all rows.</param>
/// <param name="ShareAfter">Of all rows that are kept.</param>
internal sealed record PartStatistics(
    string Name,
    int Before,
    int After,
    double ShareBefore,
    double ShareAfter,
    double? LengthBefore,
    double? LengthAfter,
    double? PerplexityBefore,
    double? PerplexityAfter,
    double? OutputBefore,
    double? OutputAfter);

/// <summary>A cluster.</summary>
/// <param name="LenGroup">Number of its length group, from 0.</param>
/// <param name="Cluster">Its number in the group.</param>
/// <param name="Rows">Its rows.</param>
internal sealed record ClusterStatistics(int LenGroup, int Cluster, PartStatistics Rows);

/// <summary>What a cell of the grid keeps.</summary>
internal sealed record CellStatistics(
    string Name, int LengthGroups, int Clusters, string Method, double Share, double Inertia, PartStatistics All, IReadOnlyList<PartStatistics> Sources, IReadOnlyList<PartStatistics> Groups);

/// <summary>Counts of a value before and after, between edges that follow each other.</summary>
internal sealed record Histogram(IReadOnlyList<double> Edges, IReadOnlyList<int> Before, IReadOnlyList<int> After);

/// <summary>Works statistics out of the rows and of which are kept.</summary>
internal sealed class RowStatistics(IReadOnlyList<RowEntry> rows)
{
    /// <summary>Statistics of some rows.</summary>
    public PartStatistics Of(string name, IReadOnlyCollection<int> before, IReadOnlyCollection<int> after, int allAfter) => new(
        name,
        before.Count,
        after.Count,
        Share(before.Count, rows.Count),
        Share(after.Count, allAfter),
        Mean(before, row => row.Length),
        Mean(after, row => row.Length),
        Median(before),
        Median(after),
        Mean(before, row => row.OutputLength),
        Mean(after, row => row.OutputLength));

    /// <summary>Statistics by a number of each row.</summary>
    /// <param name="of">The number of a row.</param>
    /// <param name="names">Names of the numbers from 0.</param>
    /// <param name="kept">Rows that are kept.</param>
    public IReadOnlyList<PartStatistics> By(Func<int, int> of, IReadOnlyList<string> names, IReadOnlyList<int> kept)
    {
        var (before, after) = (names.Select(_ => new List<int>()).ToArray(), names.Select(_ => new List<int>()).ToArray());
        for (var row = 0; row < rows.Count; row++) before[of(row)].Add(row);
        foreach (var row in kept) after[of(row)].Add(row);
        return [.. names.Select((name, i) => Of(name, before[i], after[i], kept.Count))];
    }

    /// <summary>Counts in bins of equal ratio, as lengths and perplexities are spread; null when no row has the value.</summary>
    public Histogram? Of(Func<RowEntry, double> value, IReadOnlyList<int> kept, int bins)
    {
        var values = rows.Select(value).Where(double.IsFinite).ToList();
        if (values.Count == 0) return null;
        var (low, high) = (Math.Log(Math.Max(values.Min(), 1e-6)), Math.Log(Math.Max(values.Max(), 1e-6)));
        if (high - low < 1e-9) (low, high) = (low - 0.1, high + 0.1);
        return new Histogram([.. Enumerable.Range(0, bins + 1).Select(i => Math.Exp(low + ((high - low) * i / bins)))], Count(values), Count(kept.Select(row => value(rows[row])).Where(double.IsFinite)));

        int[] Count(IEnumerable<double> some)
        {
            var counts = new int[bins];
            foreach (var one in some) counts[Math.Clamp((int)((Math.Log(Math.Max(one, 1e-6)) - low) / (high - low) * bins), 0, bins - 1)]++;
            return counts;
        }
    }

    private static double Share(int some, int all) => all == 0 ? 0 : Math.Round((double)some / all, 6);

    private double? Mean(IReadOnlyCollection<int> some, Func<RowEntry, int> value) => some.Count == 0 ? null : Math.Round(some.Average(row => value(rows[row])), 2);

    private double? Median(IReadOnlyCollection<int> some)
    {
        double[] values = [.. some.Select(row => rows[row].Perplexity).Where(double.IsFinite).Order()];
        return values.Length == 0 ? null : Math.Round(Bootstrap.Quantile(values, 0.5), 2);
    }
}
