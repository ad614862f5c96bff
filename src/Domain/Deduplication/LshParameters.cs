namespace XInstruct.Domain.Deduplication;

/// <summary>Bands and rows of locality-sensitive hashing: two signatures meet when all rows of at least one band are equal.</summary>
public static class LshParameters
{
    /// <summary>
    /// Of all bands and rows that fit, those with the smallest weighted sum of the area under the curve <see cref="Meet"/> below the threshold
    /// (pairs met in vain) and over it above the threshold (pairs missed). The areas are midpoint sums with steps of 0.001.
    /// </summary>
    /// <param name="threshold">Similarity, 0 to 1, from which two texts are near-duplicates.</param>
    /// <param name="permutations">Length of the signature.</param>
    /// <param name="vain">Weight of pairs met in vain.</param>
    /// <param name="missed">Weight of pairs missed.</param>
    public static (int Bands, int Rows) Optimal(double threshold, int permutations, double vain = 0.5, double missed = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(permutations);
        if (threshold is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "A similarity lies between 0 and 1.");
        var (best, least) = ((1, 1), double.PositiveInfinity);
        for (var bands = 1; bands <= permutations; bands++)
        {
            for (var rows = 1; rows <= permutations / bands; rows++)
            {
                var loss = (vain * Area(0, threshold, s => Meet(s, bands, rows))) + (missed * Area(threshold, 1, s => 1 - Meet(s, bands, rows)));
                if (loss < least) (best, least) = ((bands, rows), loss);
            }
        }

        return best;
    }

    /// <summary>Probability that two sets of this similarity meet: 1 − (1 − s^rows)^bands (Leskovec, Rajaraman and Ullman, section 3.4).</summary>
    public static double Meet(double similarity, int bands, int rows) => 1 - Math.Pow(1 - Math.Pow(similarity, rows), bands);

    private static double Area(double from, double to, Func<double, double> curve)
    {
        const double Step = 0.001;
        var area = 0.0;
        for (var x = from; x < to; x += Step) area += curve(x + (Step / 2)) * Step;
        return area;
    }
}
