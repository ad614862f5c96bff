using XInstruct.Domain.Statistics;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Clustering;

/// <summary>How points are clustered; the defaults are scikit-learn's, with ten starts.</summary>
public sealed record KMeansOptions
{
    /// <summary>Number of clusters.</summary>
    public required int Clusters { get; init; }

    /// <summary>Fixes the starting centres.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Starts; the one with the lowest inertia is kept, the first among equals. One when the centres are given.</summary>
    public int Starts { get; init; } = 10;

    /// <summary>Iterations of a start at most.</summary>
    public int MaxIterations { get; init; } = 300;

    /// <summary>A start ends when the centres' squared moves sum to this share of the mean variance of the columns.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Starting centres instead of k-means++.</summary>
    public IReadOnlyList<double[]>? InitialCenters { get; init; }

    /// <summary>Threads of the tensor library.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>Clustered points.</summary>
/// <param name="Labels">The cluster of each point.</param>
/// <param name="Centers">The mean of each cluster.</param>
/// <param name="Inertia">Sum of the squared distances to the centres.</param>
/// <param name="Iterations">Iterations of the kept start.</param>
public sealed record KMeansResult(int[] Labels, double[][] Centers, double Inertia, int Iterations);

/// <summary>
/// Lloyd's k-means from k-means++ starts (Arthur and Vassilvitskii 2007, the greedy variant of scikit-learn). One matrix product assigns all
/// points; the result depends on the points in their order, the options and the number type alone.
/// </summary>
public static class KMeans
{
    /// <summary>Clusters single-precision points.</summary>
    /// <exception cref="ArgumentException">There are fewer points than clusters, or points of different lengths.</exception>
    public static KMeansResult Fit(IReadOnlyList<float[]> points, KMeansOptions options, CancellationToken cancellation = default)
        => Fit(new PointList<float>(points), options, cancellation);

    /// <summary>Clusters double-precision points.</summary>
    /// <exception cref="ArgumentException">There are fewer points than clusters, or points of different lengths.</exception>
    public static KMeansResult Fit(IReadOnlyList<double[]> points, KMeansOptions options, CancellationToken cancellation = default)
        => Fit(new PointList<double>(points), options, cancellation);

    /// <summary>The nearest centre of each point, the lowest index among equals.</summary>
    public static int[] Predict(IReadOnlyList<double[]> points, IReadOnlyList<double[]> centers, int threads = 1)
    {
        set_num_threads(threads);
        using var noGrad = no_grad();
        using var set = new PointSet<double>(new PointList<double>(points));
        return set.Assign(set.Center(centers));
    }

    /// <summary>Clusters points from anywhere; they are in memory once.</summary>
    /// <exception cref="ArgumentException">There are fewer points than clusters.</exception>
    public static KMeansResult Fit<T>(PointSource<T> points, KMeansOptions options, CancellationToken cancellation = default)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(points);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Clusters, nameof(options));
        if (points.Count < options.Clusters)
            throw new ArgumentException($"{points.Count} points cannot form {options.Clusters} clusters.", nameof(points));
        if (options.InitialCenters is { } given && given.Count != options.Clusters)
            throw new ArgumentException($"{given.Count} initial centres were given for {options.Clusters} clusters.", nameof(options));
        set_num_threads(options.Threads);
        using var noGrad = no_grad();
        using var set = new PointSet<T>(points);
        KMeansResult? best = null;
        for (var start = 0; start < (options.InitialCenters is null ? options.Starts : 1); start++)
        {
            var centers = options.InitialCenters is { } initial
                ? set.Center(initial)
                : KMeansStart.Choose(set, options.Clusters, new DeterministicRandom(options.Seed, (ulong)start), cancellation);
            var result = Run(set, centers, options, cancellation);
            if (best is null || result.Inertia < best.Inertia)
                best = result;
        }
        return best!;
    }

    private static KMeansResult Run<T>(PointSet<T> set, double[] centers, KMeansOptions options, CancellationToken cancellation)
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        var tolerance = options.Tolerance * set.MeanVariance;
        int[]? labels = null;
        var iteration = 0;
        var settled = false;
        while (iteration < options.MaxIterations && !settled)
        {
            cancellation.ThrowIfCancellationRequested();
            iteration++;
            var assigned = set.Assign(centers);
            var moved = set.Means(assigned, centers, options.Clusters);
            var shift = 0.0;
            for (var i = 0; i < centers.Length; i++)
                shift += (moved[i] - centers[i]) * (moved[i] - centers[i]);
            centers = moved;
            settled = labels is not null && assigned.AsSpan().SequenceEqual(labels);
            labels = assigned;
            if (!settled && shift <= tolerance)
                break;
        }
        // The labels belong to the centres returned: after the last move they are found once more.
        if (!settled || labels is null)
            labels = set.Assign(centers);
        return new KMeansResult(labels, set.Uncenter(centers), set.SquaredDistances(labels, centers).Sum(), iteration);
    }
}
