using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tables;

/// <summary>
/// Rows of RFC 4180 CSV with a header, separated by comma, semicolon or tab, whichever the header has most of. Each record is parsed by itself,
/// so that a bad one spoils no other.
/// </summary>
internal static class CsvRows
{
    /// <summary>Rows; a header that cannot be read is one bad row and the end.</summary>
    public static async IAsyncEnumerable<TableRow> ReadAsync(ByteWindow window, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var rows = new RowSplitter(window, options.MaxRowBytes);
        var delimiter = Delimiter(window.Ahead);
        var scanner = new RecordScanner(delimiter);
        var number = 0L;
        string[]? header = null;
        while (await rows.NextAsync(scanner, ct) is { } raw)
        {
            if (raw.Problem is null && raw.Bytes.AsSpan().Trim(" \t\r"u8).IsEmpty) continue;
            if (header is null)
            {
                header = Header(raw, delimiter);
                if (header is not null) continue;
                yield return new TableRow(number, null, "bad-csv-header");
                yield break;
            }

            if (raw.Problem == "bad-csv") Recover(window, raw, scanner);
            yield return Row(number++, raw, header, delimiter);
            if (raw.Problem == "truncated") yield break;
        }

        if (window.IsBroken) yield return new TableRow(number, null, "truncated");
    }

    /// <summary>A quote that nobody closes took all the rest with it: only its first line is bad, the other lines are read again.</summary>
    private static void Recover(ByteWindow window, RawRow raw, RecordScanner scanner)
    {
        scanner.Reset();
        var end = raw.Bytes.AsSpan().IndexOf((byte)'\n');
        if (end >= 0) window.PushBack(raw.Bytes[(end + 1)..]);
    }

    private static string[]? Header(RawRow raw, byte delimiter) =>
        raw.Problem is null && Utf8.IsValid(raw.Bytes) && Fields(raw.Bytes, delimiter) is { } fields && fields.Distinct(StringComparer.Ordinal).Count() == fields.Length
            ? fields
            : null;

    private static TableRow Row(long number, RawRow raw, string[] header, byte delimiter)
    {
        if (raw.Problem is not null) return new TableRow(number, null, raw.Problem);
        if (!Utf8.IsValid(raw.Bytes)) return new TableRow(number, null, "not-utf8");
        if (Fields(raw.Bytes, delimiter) is not { } fields || fields.Length != header.Length) return new TableRow(number, null, "bad-csv");
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < header.Length; i++)
        {
            if (TextNormalizer.Malformation(fields[i]) is { } malformed) return new TableRow(number, null, malformed);
            columns[header[i]] = fields[i];
        }

        return new TableRow(number, columns, null);
    }

    /// <summary>Fields of a record; null when text follows a closing quote or a quote stays open. A quote inside a bare field is text.</summary>
    private static string[]? Fields(byte[] record, byte delimiter)
    {
        var rest = Encoding.UTF8.GetString(record.AsSpan().TrimEnd((byte)'\r')).AsSpan();
        var separator = (char)delimiter;
        var fields = new List<string>();
        var field = new StringBuilder();
        while (true)
        {
            if (!rest.StartsWith('"'))
            {
                var end = rest.IndexOf(separator);
                fields.Add((end < 0 ? rest : rest[..end]).ToString());
                if (end < 0) return [.. fields];
                rest = rest[(end + 1)..];
                continue;
            }

            rest = rest[1..];
            field.Clear();
            while (true)
            {
                var quote = rest.IndexOf('"');
                if (quote < 0) return null;
                field.Append(rest[..quote]);
                rest = rest[(quote + 1)..];
                if (!rest.StartsWith('"')) break;
                field.Append('"');
                rest = rest[1..];
            }

            fields.Add(field.ToString());
            if (rest.IsEmpty) return [.. fields];
            if (rest[0] != separator) return null;
            rest = rest[1..];
        }
    }

    private static byte Delimiter(ReadOnlySpan<byte> head)
    {
        Span<int> counts = stackalloc int[3];
        var quoted = false;
        foreach (var b in head)
        {
            if (b == '"') quoted = !quoted;
            if (quoted) continue;
            if (b == '\n') break;
            var kind = ",;\t"u8.IndexOf(b);
            if (kind >= 0) counts[kind]++;
        }

        var best = 0;
        for (var i = 1; i < 3; i++) best = counts[i] > counts[best] ? i : best;
        return ",;\t"u8[best];
    }
}
