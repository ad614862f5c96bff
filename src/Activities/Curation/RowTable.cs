using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Curation;

/// <summary>
/// Sorted rows on this machine: a file of lines, and beside it what is held in memory of them. It is derived from the stages' results: when it is
/// lost it is made again, by whichever process comes first.
/// </summary>
internal sealed class RowTable : IDisposable
{
    private readonly SafeFileHandle _lines;

    private RowTable(string path, RowEntry[] rows) => (_lines, Rows) = (File.OpenHandle(path), rows);

    /// <summary>The rows in their order.</summary>
    public IReadOnlyList<RowEntry> Rows { get; }

    /// <summary>Number of rows.</summary>
    public int Count => Rows.Count;

    /// <summary>Opens the table at a path, after making it if it is not there.</summary>
    /// <param name="path">Path of the lines.</param>
    /// <param name="make">Writes the lines and says what is held of them.</param>
    public static RowTable Open(string path, Func<Stream, IEnumerable<RowEntry>> make)
    {
        if (!File.Exists(Held(path)))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var part = $"{path}.{Guid.NewGuid():N}";
            using (var lines = new FileStream(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
            using (var held = new FileStream(Held(part), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
            {
                foreach (var row in make(lines)) held.Write(MemoryMarshal.AsBytes(new ReadOnlySpan<RowEntry>(in row)));
            }

            // Two processes write the same bytes; the second name says that both files are whole.
            File.Move(part, path, overwrite: true);
            File.Move(Held(part), Held(path), overwrite: true);
        }

        return Find(path)!;
    }

    /// <summary>The table at a path; null when it is not there.</summary>
    public static RowTable? Find(string path)
    {
        if (!File.Exists(Held(path))) return null;
        using var file = File.OpenHandle(Held(path));
        var rows = new RowEntry[RandomAccess.GetLength(file) / Marshal.SizeOf<RowEntry>()];
        for (var (i, step) = (0, 1 << 20); i < rows.Length; i += step)
        {
            var bytes = MemoryMarshal.AsBytes(rows.AsSpan(i, Math.Min(step, rows.Length - i)));
            if (RandomAccess.Read(file, bytes, (long)i * Marshal.SizeOf<RowEntry>()) < bytes.Length) throw new EndOfStreamException($"{Held(path)} became shorter while it was read.");
        }

        return new RowTable(path, rows);
    }

    /// <summary>The line of a row, without its line feed.</summary>
    public byte[] Line(int row) => Line(_lines, Rows[row]);

    /// <summary>A row as it is written.</summary>
    public T Read<T>(int row) => JsonSerializer.Deserialize<T>(Line(row), EventJson.Options)!;

    /// <inheritdoc/>
    public void Dispose() => _lines.Dispose();

    /// <summary>The bytes of an entry's line in a file.</summary>
    public static byte[] Line(SafeFileHandle file, RowEntry entry)
    {
        var line = new byte[entry.Bytes];
        for (var read = 0; read < line.Length;)
        {
            var more = RandomAccess.Read(file, line.AsSpan(read), entry.Offset + read);
            if (more == 0) throw new EndOfStreamException("A file of rows became shorter while it was read.");
            read += more;
        }

        return line;
    }

    private static string Held(string path) => path + ".rows";
}
