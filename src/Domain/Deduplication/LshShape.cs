namespace XInstruct.Domain.Deduplication;

/// <summary>Bands and rows of locality-sensitive hashing: two signatures meet when all rows of at least one band are equal.</summary>
/// <param name="Bands">Bands of a signature.</param>
/// <param name="Rows">Values in a band.</param>
public readonly record struct LshShape(int Bands, int Rows)
{
    /// <summary>Probability that two sets of this similarity meet: 1 − (1 − s^r)^b (Leskovec, Rajaraman and Ullman, section 3.4).</summary>
    public double Meet(double similarity) => 1 - Math.Pow(1 - Math.Pow(similarity, Rows), Bands);

    /// <summary>
    /// The shape that loses least: among all that fit, the smallest weighted sum of the area under the curve below the threshold (pairs met
    /// in vain) and over it above the threshold (pairs missed). The areas are midpoint sums with steps of 0.001; of equal shapes the one with fewer bands, then rows.
    /// </summary>
    /// <param name="threshold">Similarity from which two texts are near-duplicates.</param>
    /// <param name="permutations">Length of the signature.</param>
    /// <param name="vainWeight">Weight of pairs met in vain.</param>
    /// <param name="missWeight">Weight of pairs missed.</param>
    public static LshShape Optimal(double threshold, int permutations, double vainWeight = 0.5, double missWeight = 0.5)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(permutations);
        if (threshold is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "A similarity lies between 0 and 1.");
        var best = new LshShape(1, 1);
        var least = double.PositiveInfinity;
        for (var bands = 1; bands <= permutations; bands++)
        {
            for (var rows = 1; rows <= permutations / bands; rows++)
            {
                var shape = new LshShape(bands, rows);
                var loss = (Area(shape.Meet, 0, threshold) * vainWeight) + (Area(s => 1 - shape.Meet(s), threshold, 1) * missWeight);
                if (loss >= least) continue;
                least = loss;
                best = shape;
            }
        }

        return best;
    }

    private static double Area(Func<double, double> curve, double from, double to)
    {
        const double Step = 0.001;
        var area = 0.0;
        for (var x = from; x < to; x += Step) area += curve(x + (Step / 2)) * Step;
        return area;
    }
}
