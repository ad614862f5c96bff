using System.Runtime.CompilerServices;
using System.Text;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tables;

/// <summary>Rows of RFC 4180 CSV with a header. Each record is parsed by itself, so that a bad one spoils no other.</summary>
internal static class CsvRows
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static async IAsyncEnumerable<TableRow> ReadAsync(RowSplitter rows, int maxRowBytes, [EnumeratorCancellation] CancellationToken ct)
    {
        if (await rows.RecordAsync(ct) is not { Bytes: { } headerBytes }) yield break;
        var header = Fields(headerBytes) ?? throw new InvalidDataException($"The CSV header is not UTF-8, or longer than {maxRowBytes} bytes.");
        var number = 0L;
        while (await rows.RecordAsync(ct) is { } raw)
        {
            if (raw.Bytes is { } bytes && bytes.AsSpan().Trim(" \t\r"u8).IsEmpty) continue;
            yield return Row(number++, raw, header);
        }
    }

    private static TableRow Row(long number, RawRow raw, string[] header)
    {
        if (raw.Bytes is null) return new TableRow(number, null, raw.Problem);
        if (Fields(raw.Bytes) is not { } fields) return new TableRow(number, null, "not-utf8");
        if (fields.Length != header.Length) return new TableRow(number, null, "bad-csv");
        var columns = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < header.Length; i++)
        {
            if (TextNormalizer.Malformation(fields[i]) is { } malformed) return new TableRow(number, null, malformed);
            columns[header[i]] = fields[i];
        }

        return new TableRow(number, columns, null);
    }

    /// <summary>Fields of one record: quotes around a field come off, doubled quotes inside it are one.</summary>
    private static string[]? Fields(byte[] record)
    {
        string text;
        try
        {
            text = Strict.GetString(record).TrimEnd('\r');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }

        var fields = new List<string>();
        var field = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '"' && quoted && i + 1 < text.Length && text[i + 1] == '"')
            {
                field.Append(c);
                i++;
            }
            else if (c == '"')
            {
                quoted = !quoted;
            }
            else if (c == ',' && !quoted)
            {
                fields.Add(field.ToString());
                field.Clear();
            }
            else
            {
                field.Append(c);
            }
        }

        fields.Add(field.ToString());
        return [.. fields];
    }
}
