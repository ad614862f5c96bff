using System.Numerics;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Clustering;

/// <summary>
/// Greedy k-means++: each next centre is the best of 2 + ⌊ln k⌋ points drawn with probability proportional to the squared distance to the
/// centres so far.
/// </summary>
internal static class KMeansStart
{
    public static double[] Choose<T>(PointSet<T> set, int clusters, DeterministicRandom random, CancellationToken cancellation)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var trials = 2 + (int)Math.Log(clusters);
        var norms = set.SquaredNorms();
        var centers = new double[clusters * set.Width];
        var first = random.Next(set.Count);
        set.Point(first).CopyTo(centers, 0);
        var nearest = Distances(set, norms, [first])[0];
        for (var c = 1; c < clusters; c++)
        {
            cancellation.ThrowIfCancellationRequested();
            var candidates = Draw(nearest, trials, random);
            var distances = Distances(set, norms, candidates);
            var best = (Potential: double.PositiveInfinity, Trial: 0);
            for (var trial = 0; trial < trials; trial++)
            {
                var potential = 0.0;
                for (var i = 0; i < nearest.Length; i++)
                {
                    distances[trial][i] = Math.Min(distances[trial][i], nearest[i]);
                    potential += distances[trial][i];
                }
                if (potential < best.Potential)
                    best = (potential, trial);
            }
            nearest = distances[best.Trial];
            set.Point(candidates[best.Trial]).CopyTo(centers, c * set.Width);
        }
        return centers;
    }

    private static int[] Draw(double[] weights, int count, DeterministicRandom random)
    {
        var total = weights.Sum();
        var targets = new double[count];
        for (var i = 0; i < count; i++)
            targets[i] = random.NextDouble() * total;
        var chosen = new int[count];
        for (var i = 0; i < count; i++)
        {
            var left = targets[i];
            var at = 0;
            while (at + 1 < weights.Length && left >= weights[at])
                left -= weights[at++];
            chosen[i] = at;
        }
        return chosen;
    }

    private static double[][] Distances<T>(PointSet<T> set, double[] norms, int[] points)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        var products = set.Products([.. points.SelectMany(set.Point)]);
        var distances = points.Select(_ => new double[norms.Length]).ToArray();
        for (var i = 0; i < norms.Length; i++)
        {
            for (var p = 0; p < points.Length; p++)
            {
                var squared = norms[i] + norms[points[p]] - (2 * double.CreateTruncating(products[(i * points.Length) + p]));
                distances[p][i] = i == points[p] ? 0 : Math.Max(0, squared);
            }
        }
        return distances;
    }
}
