using System.Runtime.CompilerServices;

namespace XInstruct.Activities.Tables;

/// <summary>How tables are read.</summary>
/// <param name="MaxRowBytes">Bytes of the longest row; a longer one is skipped and reported.</param>
public sealed record TableReadOptions(int MaxRowBytes = 1_000_000);

/// <summary>One row of a table.</summary>
/// <param name="Number">0-based number; blank lines are no rows, unreadable rows are.</param>
/// <param name="Columns">Values as text: strings as they are, other JSON values as they are written, nulls left out. Null when the row could not be read.</param>
/// <param name="Problem">Why it could not, in kebab-case: not-json, not-utf8, not-an-object, row-too-long, nul, lone-surrogate, bad-csv, bad-csv-header, truncated, trailing-data.</param>
public sealed record TableRow(long Number, IReadOnlyDictionary<string, string>? Columns, string? Problem)
{
    /// <summary>That a file ends in its middle: in this row, and whatever stood behind it is not there.</summary>
    public const string Truncated = "truncated";

    /// <summary>Value of a column, or of a place inside one such as <c>messages[role=user].content</c>; null when the row has none.</summary>
    public string? Find(string column) => Columns is null ? null : ColumnPath.Find(Columns, column);
}

/// <summary>
/// Reads JSONL, JSON arrays and CSV, plain or gzip, told by their bytes alone: the same bytes give the same rows under any name. A bad row never
/// stops the reading, and memory is bounded by the longest allowed row, whatever the input.
/// </summary>
public static class TableReader
{
    /// <summary>Rows of a file, which may be Parquet too.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async IAsyncEnumerable<TableRow> ReadAsync(string path, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, useAsync: true);
        var head = new byte[ParquetRows.Magic.Length];
        var rows = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, ct) == head.Length && head.AsSpan().SequenceEqual(ParquetRows.Magic)
            ? ParquetRows.ReadAsync(path, options, ct)
            : ReadAsync(file, options, ct);
        file.Position = 0;
        await foreach (var row in rows) yield return row;
    }

    /// <summary>Rows of a stream, which need not be seekable and stays open.</summary>
    public static async IAsyncEnumerable<TableRow> ReadAsync(Stream stream, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var plain = new ByteWindow(stream);
        await plain.FillAsync(2, ct);
        if (plain.Ahead is not [0x1F, 0x8B, ..])
        {
            await foreach (var row in RowsAsync(plain, options, ct)) yield return row;
            yield break;
        }

        await using var unpacked = new GzipBytes(plain);
        await foreach (var row in RowsAsync(new ByteWindow(unpacked), options, ct)) yield return row;
    }

    private static async IAsyncEnumerable<TableRow> RowsAsync(ByteWindow window, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        await window.FillAsync(ByteWindow.Capacity, ct);
        if (window.Ahead.StartsWith("\uFEFF"u8)) window.Advance(3);
        var rows = TableFormat.Of(window.Ahead) switch
        {
            TableKind.JsonArray => JsonRows.ArrayAsync(window, options, ct),
            TableKind.Csv => CsvRows.ReadAsync(window, options, ct),
            _ => JsonRows.LinesAsync(window, options, ct),
        };
        await foreach (var row in rows) yield return row;
    }
}

/// <summary>A file that is no table, whoever reads it and however often.</summary>
public sealed class TableFileException(string message) : IOException(message);
