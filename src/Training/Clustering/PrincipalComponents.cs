using static TorchSharp.torch;

namespace XInstruct.Training.Clustering;

/// <summary>Principal component analysis: the directions in which centred points vary most. A component's sign makes its largest entry positive.</summary>
/// <param name="Mean">Mean of each column.</param>
/// <param name="Components">Unit directions, the strongest first.</param>
/// <param name="ExplainedVariance">Variance along each direction (divided by n − 1).</param>
/// <param name="ExplainedVarianceRatio">The same as a share of the whole variance.</param>
/// <param name="SingularValues">Singular values of the centred points.</param>
public sealed record PrincipalComponents(
    double[] Mean, double[][] Components, double[] ExplainedVariance, double[] ExplainedVarianceRatio, double[] SingularValues)
{
    /// <summary>
    /// Finds the strongest components of some points from the eigenvectors of their covariance, in double precision; of fewer points than columns
    /// from those of the matrix of their dot products, which has the same eigenvalues and is smaller.
    /// </summary>
    /// <exception cref="ArgumentException">There are fewer than two points, points of different lengths, or fewer columns than components.</exception>
    public static PrincipalComponents Fit(IReadOnlyList<double[]> points, int components, int threads = 1)
    {
        ArgumentNullException.ThrowIfNull(points);
        if (points.Count < 2 || points.Any(point => point.Length != points[0].Length) || points[0].Length < components || components < 1)
            throw new ArgumentException($"{components} components need at least two points of one length with as many columns.", nameof(points));
        set_num_threads(threads);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (rows, width) = (points.Count, points[0].Length);
        var mean = new double[width];
        foreach (var point in points)
        {
            for (var j = 0; j < width; j++)
                mean[j] += point[j] / rows;
        }
        var centred = tensor(points.SelectMany(point => point.Select((value, j) => value - mean[j])).ToArray(), [rows, width]);
        // Points span one direction less than there are points: for more components than that only the covariance has an answer.
        var isWide = rows < width && components < rows;
        var matrix = (isWide ? centred.mm(centred.t()) : centred.t().mm(centred)) / (rows - 1);
        var (values, vectors) = linalg.eigh(matrix);
        var eigenvalues = values.data<double>().ToArray();
        if (isWide && eigenvalues[rows - components] > 1e-12 * eigenvalues[^1]) vectors = centred.t().mm(vectors.narrow(1, rows - components, components));
        else if (isWide) (values, vectors) = linalg.eigh(centred.t().mm(centred) / (rows - 1));
        eigenvalues = values.data<double>().ToArray();
        var columns = vectors.t().contiguous().data<double>().ToArray();
        var total = eigenvalues.Sum(value => Math.Max(0, value));
        // Eigenvalues come in ascending order.
        var order = Enumerable.Range(1, components).ToArray();
        var variance = order.Select(i => Math.Max(0, eigenvalues[^i])).ToArray();
        return new PrincipalComponents(
            mean,
            [.. order.Select(i => Signed(columns[^(i * width)..^((i - 1) * width)], isWide))],
            variance,
            [.. variance.Select(value => total > 0 ? value / total : 0)],
            [.. variance.Select(value => Math.Sqrt(value * (rows - 1)))]);
    }

    /// <summary>Coordinates of points along the components; whitened ones have variance 1.</summary>
    public double[][] Transform(IReadOnlyList<double[]> points, bool whiten = false)
    {
        ArgumentNullException.ThrowIfNull(points);
        return [.. points.Select(point => Components.Select((component, c) =>
            component.Select((weight, j) => weight * (point[j] - Mean[j])).Sum() / (whiten ? Math.Sqrt(ExplainedVariance[c]) : 1)).ToArray())];
    }

    /// <summary>The points that coordinates (not whitened) stand for.</summary>
    public double[][] Inverse(IReadOnlyList<double[]> coordinates)
    {
        ArgumentNullException.ThrowIfNull(coordinates);
        return [.. coordinates.Select(point => Mean.Select((mean, j) => mean + Components.Select((component, c) => component[j] * point[c]).Sum()).ToArray())];
    }

    // Eigenvectors of the covariance come with length 1, projections do not.
    private static double[] Signed(double[] vector, bool hasAnyLength)
    {
        var scale = hasAnyLength ? 1 / Math.Sqrt(vector.Sum(value => value * value)) : 1;
        if (vector.MaxBy(Math.Abs) < 0) scale = -scale;
        return [.. vector.Select(value => value * scale)];
    }
}
