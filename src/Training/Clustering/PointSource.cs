using System.Numerics;

namespace XInstruct.Training.Clustering;

/// <summary>Points that need not be in memory: their rows are read when they are needed, some of them several times.</summary>
public abstract class PointSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <summary>Number of points.</summary>
    public abstract int Count { get; }

    /// <summary>Columns of each.</summary>
    public abstract int Width { get; }

    /// <summary>Reads rows that follow each other, as many as fit into <paramref name="rows"/>: (rows, columns) row-major.</summary>
    public abstract void Read(int first, Span<T> rows);
}

/// <summary>Points in memory, an array each.</summary>
internal sealed class PointList<T> : PointSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly IReadOnlyList<T[]> _points;

    public PointList(IReadOnlyList<T[]> points)
    {
        _points = points;
        Width = points.Count == 0 ? 0 : points[0].Length;
        if (Width == 0 || points.Any(point => point.Length != Width))
            throw new ArgumentException("Points must have the same length, at least 1.", nameof(points));
    }

    public override int Count => _points.Count;

    public override int Width { get; }

    public override void Read(int first, Span<T> rows)
    {
        for (var i = 0; i < rows.Length / Width; i++) _points[first + i].CopyTo(rows[(i * Width)..]);
    }
}

/// <summary>Points in memory behind each other.</summary>
internal sealed class PointArray<T>(T[] values, int width) : PointSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public override int Count => values.Length / width;

    public override int Width => width;

    public override void Read(int first, Span<T> rows) => values.AsSpan(first * width, rows.Length).CopyTo(rows);
}

/// <summary>Some of other points, in an order of their own.</summary>
/// <param name="points">All of them.</param>
/// <param name="numbers">Numbers of those taken.</param>
public sealed class SelectedPoints<T>(PointSource<T> points, IReadOnlyList<int> numbers) : PointSource<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    /// <inheritdoc/>
    public override int Count => numbers.Count;

    /// <inheritdoc/>
    public override int Width => points.Width;

    /// <inheritdoc/>
    public override void Read(int first, Span<T> rows)
    {
        // What lies side by side is read at once.
        for (var (i, count) = (0, rows.Length / Width); i < count;)
        {
            var run = 1;
            while (i + run < count && numbers[first + i + run] == numbers[first + i] + run) run++;
            points.Read(numbers[first + i], rows.Slice(i * Width, run * Width));
            i += run;
        }
    }
}
