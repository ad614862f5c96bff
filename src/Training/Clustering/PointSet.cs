using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.Training.Clustering;

/// <summary>
/// Points as one matrix, shifted so that each column has mean 0 (which keeps single-precision products exact enough). Centres are flat
/// row-major double arrays in the same shifted space.
/// </summary>
internal sealed class PointSet<T> : IDisposable
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private const int ScoresPerChunk = 1 << 21;
    private const int ValuesPerBlock = 1 << 22;

    private readonly double[] _mean;
    private readonly Tensor _matrix;

    /// <summary>Reads the points twice: for their mean, and to keep what is above or below it.</summary>
    public PointSet(PointSource<T> points)
    {
        (Count, Width) = (points.Count, points.Width);
        _mean = new double[Width];
        _matrix = empty([Count, Width], typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64);
        foreach (var (start, rows) in Blocks())
        {
            var values = Rows(start, rows);
            points.Read(start, values);
            for (var i = 0; i < rows; i++) Add(values.Slice(i * Width, Width), _mean);
        }

        for (var j = 0; j < Width; j++)
            _mean[j] /= Count;
        var squares = 0.0;
        foreach (var (start, rows) in Blocks())
        {
            var values = Rows(start, rows);
            for (var i = 0; i < rows; i++)
            {
                var point = values.Slice(i * Width, Width);
                for (var j = 0; j < Width; j++)
                {
                    var value = double.CreateTruncating(point[j]) - _mean[j];
                    point[j] = T.CreateTruncating(value);
                    squares += value * value;
                }
            }
        }

        MeanVariance = squares / Count / Width;
        if (double.IsFinite(MeanVariance)) return;
        _matrix.Dispose();
        throw new ArgumentException("Points must be finite.", nameof(points));
    }

    public int Count { get; }

    public int Width { get; }

    /// <summary>The origin: the mean of the points.</summary>
    public double[] Mean => _mean;

    /// <summary>Mean over the columns of their variances (divided by n).</summary>
    public double MeanVariance { get; }

    public void Dispose() => _matrix.Dispose();

    public double[] Center(IReadOnlyList<double[]> centers)
    {
        if (centers.Any(center => center.Length != Width))
            throw new ArgumentException($"Centres must have {Width} columns as the points.", nameof(centers));
        return [.. centers.SelectMany(center => center.Select((value, j) => value - _mean[j]))];
    }

    public double[][] Uncenter(double[] centers)
        => [.. centers.Chunk(Width).Select(center => center.Select((value, j) => value + _mean[j]).ToArray())];

    public double[] Point(int index)
    {
        var point = new double[Width];
        var values = Rows(index, 1);
        for (var j = 0; j < Width; j++)
            point[j] = double.CreateTruncating(values[j]);
        return point;
    }

    /// <summary>The nearest centre of each point: argmin ‖c‖² − 2 x·c.</summary>
    public int[] Assign(double[] centers)
    {
        using var scope = NewDisposeScope();
        var count = centers.Length / Width;
        var norms = new T[count];
        for (var c = 0; c < count; c++)
            norms[c] = T.CreateTruncating(centers.AsSpan(c * Width, Width).ToArray().Sum(value => value * value));
        var transposed = Centers(centers).t();
        var norm = ToTensor(norms, 1);
        var labels = new int[Count];
        var chunk = Math.Max(64, ScoresPerChunk / count);
        for (var start = 0; start < Count; start += chunk)
        {
            using var inner = NewDisposeScope();
            var rows = Math.Min(chunk, Count - start);
            var nearest = _matrix.narrow(0, start, rows).mm(transposed).mul_(-2).add_(norm).argmin(1).data<long>();
            var at = start;
            foreach (var label in nearest)
                labels[at++] = (int)label;
        }
        return labels;
    }

    /// <summary>Products of all points with some vectors: (points, vectors) row-major.</summary>
    public T[] Products(double[] vectors)
    {
        using var scope = NewDisposeScope();
        return _matrix.mm(Centers(vectors).t()).contiguous().data<T>().ToArray();
    }

    /// <summary>Squared norm of each point.</summary>
    public double[] SquaredNorms()
    {
        var norms = new double[Count];
        foreach (var (start, rows) in Blocks())
        {
            var values = Rows(start, rows);
            for (var i = 0; i < rows; i++)
            {
                foreach (var single in values.Slice(i * Width, Width))
                {
                    var value = double.CreateTruncating(single);
                    norms[start + i] += value * value;
                }
            }
        }

        return norms;
    }

    /// <summary>Squared distance of each point to the centre of its label.</summary>
    public double[] SquaredDistances(int[] labels, double[] centers)
    {
        var distances = new double[Count];
        foreach (var (start, rows) in Blocks())
        {
            var values = Rows(start, rows);
            for (var i = 0; i < rows; i++)
            {
                var point = values.Slice(i * Width, Width);
                var center = centers.AsSpan(labels[start + i] * Width, Width);
                for (var j = 0; j < point.Length; j++)
                {
                    var difference = double.CreateTruncating(point[j]) - center[j];
                    distances[start + i] += difference * difference;
                }
            }
        }

        return distances;
    }

    /// <summary>The mean of each cluster; an empty one takes the point farthest from its centre, as in scikit-learn.</summary>
    public double[] Means(int[] labels, double[] centers, int count)
    {
        var sums = new double[count * Width];
        var sizes = new int[count];
        foreach (var (start, rows) in Blocks())
        {
            var values = Rows(start, rows);
            for (var i = 0; i < rows; i++)
            {
                var label = labels[start + i];
                sizes[label]++;
                Add(values.Slice(i * Width, Width), sums.AsSpan(label * Width, Width));
            }
        }

        var empty = Enumerable.Range(0, count).Where(c => sizes[c] == 0).ToArray();
        if (empty.Length > 0)
        {
            var distances = SquaredDistances(labels, centers);
            var farthest = Enumerable.Range(0, Count).OrderByDescending(i => distances[i]).ThenBy(i => i).Take(empty.Length);
            foreach (var (point, cluster) in farthest.Zip(empty))
            {
                var vector = Point(point);
                sizes[labels[point]]--;
                sizes[cluster] = 1;
                for (var j = 0; j < Width; j++)
                {
                    sums[(labels[point] * Width) + j] -= vector[j];
                    sums[(cluster * Width) + j] = vector[j];
                }
            }
        }
        for (var c = 0; c < count; c++)
        {
            for (var j = 0; j < Width; j++)
                sums[(c * Width) + j] = sizes[c] > 0 ? sums[(c * Width) + j] / sizes[c] : centers[(c * Width) + j];
        }
        return sums;
    }

    private IEnumerable<(int Start, int Rows)> Blocks()
    {
        var most = Math.Max(1, ValuesPerBlock / Width);
        for (var start = 0; start < Count; start += most) yield return (start, Math.Min(most, Count - start));
    }

    /// <summary>Rows as they lie in the matrix: there is no second copy of them.</summary>
    private Span<T> Rows(int start, int rows)
    {
        using var view = _matrix.narrow(0, start, rows);
        return MemoryMarshal.Cast<byte, T>(view.bytes);
    }

    private static void Add(ReadOnlySpan<T> point, Span<double> sum)
    {
        var j = 0;
        if (typeof(T) == typeof(float))
        {
            var singles = MemoryMarshal.Cast<T, float>(point);
            for (; j + Vector<float>.Count <= singles.Length; j += Vector<float>.Count)
            {
                Vector.Widen(new Vector<float>(singles[j..]), out var low, out var high);
                var first = sum[j..];
                var second = sum[(j + Vector<double>.Count)..];
                (new Vector<double>(first) + low).CopyTo(first);
                (new Vector<double>(second) + high).CopyTo(second);
            }
        }
        for (; j < point.Length; j++)
            sum[j] += double.CreateTruncating(point[j]);
    }

    private Tensor Centers(double[] centers) => ToTensor(Array.ConvertAll(centers, T.CreateTruncating), centers.Length / Width);

    private static Tensor ToTensor(T[] values, int rows) => values switch
    {
        float[] singles => tensor(singles, [rows, singles.Length / rows]),
        double[] doubles => tensor(doubles, [rows, doubles.Length / rows]),
        _ => throw new NotSupportedException($"Points of {typeof(T)} are not supported."),
    };
}
