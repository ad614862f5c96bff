using XInstruct.Domain.Statistics;
using static TorchSharp.torch;

namespace XInstruct.Training.Clustering;

/// <summary>How points are clustered a batch at a time.</summary>
public sealed record MiniBatchOptions
{
    /// <summary>Number of clusters.</summary>
    public required int Clusters { get; init; }

    /// <summary>Points of a batch; not under the clusters.</summary>
    public int BatchSize { get; init; } = 4096;

    /// <summary>Fixes the starting centres and the order of the points.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>Starts; that whose centres are nearest to a sample goes on.</summary>
    public int Starts { get; init; } = 3;

    /// <summary>Passes over the points at most.</summary>
    public int MaxPasses { get; init; } = 100;

    /// <summary>The passes end when one lowers the inertia by less than this share of it.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Threads of the tensor library.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>
/// k-means for more points than fit into memory (Sculley 2010): each pass sees all points in a new order, a batch moves each of its centres
/// towards the mean of its points by their share of all points that the centre has seen. Memory holds a batch, the starting sample and four bytes a point.
/// </summary>
public static class MiniBatchKMeans
{
    /// <summary>Clusters points; the result depends on the points in their order and the options alone.</summary>
    /// <exception cref="ArgumentException">There are fewer points than clusters, a batch is smaller than the clusters, or numbers are none.</exception>
    public static KMeansResult Fit(PointSource<float> points, MiniBatchOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(points);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Clusters, nameof(options));
        if (points.Count < options.Clusters) throw new ArgumentException($"{points.Count} points cannot form {options.Clusters} clusters.", nameof(points));
        if (options.BatchSize < options.Clusters) throw new ArgumentException($"A batch of {options.BatchSize} points is too small for {options.Clusters} clusters.", nameof(options));
        set_num_threads(options.Threads);
        using var noGrad = no_grad();
        var order = Enumerable.Range(0, points.Count).ToArray();
        var random = new DeterministicRandom(options.Seed);
        random.Shuffle<int>(order);
        var clusters = Start(points, order, options, cancellation);
        var before = double.PositiveInfinity;
        var pass = 0;
        while (pass < options.MaxPasses)
        {
            pass++;
            random.Shuffle<int>(order);
            var inertia = 0.0;
            for (var first = 0; first < order.Length; first += options.BatchSize)
            {
                cancellation.ThrowIfCancellationRequested();
                inertia += clusters.Learn(Gather(points, order.AsSpan(first, Math.Min(options.BatchSize, order.Length - first))));
            }

            if (!(before - inertia > options.Tolerance * before)) break;
            before = inertia;
        }

        return Finish(points, clusters, options, pass, cancellation);
    }

    private static MovingCenters Start(PointSource<float> points, int[] order, MiniBatchOptions options, CancellationToken cancellation)
    {
        var sample = Gather(points, order.AsSpan(0, (int)Math.Min(order.Length, Math.Max(3L * options.BatchSize, 3L * options.Clusters))));
        using var set = new PointSet<float>(new PointArray<float>(sample, points.Width));
        var best = (Inertia: double.PositiveInfinity, Centers: Array.Empty<double>());
        for (var start = 0; start < options.Starts; start++)
        {
            var centers = KMeansStart.Choose(set, options.Clusters, new DeterministicRandom(options.Seed, (ulong)start), cancellation);
            var inertia = set.SquaredDistances(set.Assign(centers), centers).Sum();
            if (inertia < best.Inertia) best = (inertia, centers);
        }

        // The sample's mean is the origin of all that follows: products of small numbers are exact enough.
        return new MovingCenters(best.Centers, set.Mean);
    }

    private static KMeansResult Finish(PointSource<float> points, MovingCenters clusters, MiniBatchOptions options, int passes, CancellationToken cancellation)
    {
        var (labels, inertia) = (new int[points.Count], 0.0);
        for (var first = 0; first < labels.Length; first += options.BatchSize)
        {
            cancellation.ThrowIfCancellationRequested();
            var rows = Math.Min(options.BatchSize, labels.Length - first);
            var values = new float[rows * points.Width];
            points.Read(first, values);
            inertia += clusters.Assign(values, labels.AsSpan(first, rows));
        }

        return double.IsFinite(inertia) ? new KMeansResult(labels, clusters.Centers(), inertia, passes) : throw new ArgumentException("Points must be finite.", nameof(points));
    }

    private static float[] Gather(PointSource<float> points, ReadOnlySpan<int> rows)
    {
        var values = new float[rows.Length * points.Width];
        for (var i = 0; i < rows.Length; i++) points.Read(rows[i], values.AsSpan(i * points.Width, points.Width));
        return values;
    }

    /// <summary>Centres about an origin, with the points that each has seen.</summary>
    private sealed class MovingCenters(double[] centers, double[] origin)
    {
        private readonly long[] _seen = new long[centers.Length / origin.Length];
        private readonly int _width = origin.Length;

        public double[][] Centers() => [.. centers.Chunk(_width).Select(center => center.Select((value, j) => value + origin[j]).ToArray())];

        /// <summary>Moves the centres by a batch; the inertia of its points before that.</summary>
        public double Learn(float[] values)
        {
            var labels = new int[values.Length / _width];
            var inertia = Assign(values, labels);
            var (sums, sizes) = (new double[centers.Length], new int[_seen.Length]);
            for (var i = 0; i < labels.Length; i++)
            {
                sizes[labels[i]]++;
                for (var j = 0; j < _width; j++) sums[(labels[i] * _width) + j] += values[(i * _width) + j];
            }

            for (var c = 0; c < sizes.Length; c++)
            {
                if (sizes[c] == 0) continue;
                _seen[c] += sizes[c];
                for (var j = c * _width; j < (c + 1) * _width; j++) centers[j] += (sums[j] - (sizes[c] * centers[j])) / _seen[c];
            }

            return inertia;
        }

        /// <summary>Labels of points, which are moved to the origin; their inertia.</summary>
        public double Assign(float[] values, Span<int> labels)
        {
            for (var i = 0; i < values.Length; i++) values[i] = (float)(values[i] - origin[i % _width]);
            using var scope = NewDisposeScope();
            var norms = new float[_seen.Length];
            for (var c = 0; c < norms.Length; c++) norms[c] = (float)SquaredDistance(centers.AsSpan(c * _width, _width), default);
            var transposed = tensor(Array.ConvertAll(centers, value => (float)value), [norms.Length, _width]).t();
            var nearest = tensor(values, [labels.Length, _width]).mm(transposed).mul_(-2).add_(tensor(norms, [1, norms.Length])).argmin(1).data<long>().ToArray();
            var inertia = 0.0;
            for (var i = 0; i < labels.Length; i++)
            {
                labels[i] = (int)nearest[i];
                inertia += SquaredDistance(centers.AsSpan(labels[i] * _width, _width), values.AsSpan(i * _width, _width));
            }

            return inertia;
        }

        // Of a vector and a point, or its square where there is no point.
        private static double SquaredDistance(ReadOnlySpan<double> center, ReadOnlySpan<float> point)
        {
            var sum = 0.0;
            for (var j = 0; j < center.Length; j++)
            {
                var difference = center[j] - (point.IsEmpty ? 0 : point[j]);
                sum += difference * difference;
            }

            return sum;
        }
    }
}
