using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace XInstruct.Training.Clustering;

/// <summary>Points in files of 32-bit floats, little-endian, row behind row and file behind file. Safe for use by several threads.</summary>
public sealed class VectorFiles : PointSource<float>, IDisposable
{
    private readonly List<(SafeFileHandle File, int First, int Rows)> _files = [];
    private readonly int _count;

    /// <summary>Opens files.</summary>
    /// <param name="paths">The files, in order.</param>
    /// <param name="width">Columns.</param>
    /// <exception cref="InvalidDataException">A file does not hold whole rows.</exception>
    public VectorFiles(IEnumerable<string> paths, int width)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        Width = width;
        try
        {
            foreach (var path in paths)
            {
                var file = File.OpenHandle(path);
                var bytes = RandomAccess.GetLength(file);
                _files.Add((file, _count, (int)(bytes / RowBytes)));
                if (bytes % RowBytes != 0) throw new InvalidDataException($"{path} has {bytes} bytes, which is no whole number of vectors of {width} columns.");
                _count = checked(_count + (int)(bytes / RowBytes));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override int Count => _count;

    /// <inheritdoc/>
    public override int Width { get; }

    private long RowBytes => (long)Width * sizeof(float);

    /// <summary>Rows of these that follow each other, as points of their own; they end with these.</summary>
    public PointSource<float> Range(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)first + count, _count, nameof(count));
        return new Part(this, first, count);
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<float> rows)
    {
        var file = _files.FindLastIndex(f => f.First <= first);
        while (rows.Length > 0)
        {
            var (handle, start, count) = _files[file++];
            var take = rows[..(int)Math.Min(rows.Length, (start + (long)count - first) * Width)];
            ReadAll(handle, MemoryMarshal.AsBytes(take), (first - start) * RowBytes);
            first += take.Length / Width;
            rows = rows[take.Length..];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(file => file.File.Dispose());

    private static void ReadAll(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(file, bytes, offset);
            if (read == 0) throw new EndOfStreamException("A file of vectors became shorter while it was read.");
            bytes = bytes[read..];
            offset += read;
        }
    }

    private sealed class Part(VectorFiles all, int start, int count) : PointSource<float>
    {
        public override int Count => count;

        public override int Width => all.Width;

        public override void Read(int first, Span<float> rows) => all.Read(start + first, rows);
    }
}
