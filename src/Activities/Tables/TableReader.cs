using System.IO.Compression;
using System.Runtime.CompilerServices;

namespace XInstruct.Activities.Tables;

/// <summary>How tables are read.</summary>
/// <param name="MaxRowBytes">Bytes of the longest row; a longer one is skipped and reported.</param>
public sealed record TableReadOptions(int MaxRowBytes = 1_000_000);

/// <summary>One row of a table.</summary>
/// <param name="Number">0-based number.</param>
/// <param name="Columns">Values as text; null when the row could not be read.</param>
/// <param name="Problem">Why it could not, in kebab-case.</param>
public sealed record TableRow(long Number, IReadOnlyDictionary<string, string>? Columns, string? Problem);

/// <summary>Reads JSONL, JSON arrays and CSV, plain or gzip, told by their first bytes and name. A bad row never stops the reading.</summary>
public static class TableReader
{
    /// <summary>Rows of a file. Memory is bounded by the longest row, not by the file.</summary>
    /// <param name="path">File.</param>
    /// <param name="options">Limits.</param>
    /// <param name="ct">Stops between rows.</param>
    /// <param name="name">Name that tells CSV by its ending, when the file lies under another one.</param>
    public static async IAsyncEnumerable<TableRow> ReadAsync(
        string path, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct, string? name = null)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, useAsync: true);
        var magic = new byte[2];
        var read = await file.ReadAtLeastAsync(magic, 2, throwOnEndOfStream: false, ct);
        file.Position = 0;
        await using Stream stream = read == 2 && magic[0] == 0x1F && magic[1] == 0x8B ? new GZipStream(file, CompressionMode.Decompress) : file;
        await using var input = new BufferedStream(stream, 1 << 16);
        var rows = new RowSplitter(input, options.MaxRowBytes);
        var plainName = (name ?? path).EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? (name ?? path)[..^3] : name ?? path;
        var kind = await rows.StartAsync(plainName.EndsWith(".csv", StringComparison.OrdinalIgnoreCase), ct);
        var parsed = kind switch
        {
            TableKind.JsonArray => JsonRows.ArrayAsync(rows, ct),
            TableKind.Csv => CsvRows.ReadAsync(rows, options.MaxRowBytes, ct),
            _ => JsonRows.LinesAsync(rows, ct),
        };
        await foreach (var row in parsed.WithCancellation(ct)) yield return row;
    }
}
