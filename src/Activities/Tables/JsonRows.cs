using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tables;

/// <summary>Rows that are JSON objects.</summary>
internal static class JsonRows
{
    /// <summary>One object a line.</summary>
    public static async IAsyncEnumerable<TableRow> LinesAsync(ByteWindow window, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var (rows, scanner, number) = (new RowSplitter(window, options.MaxRowBytes), new LineScanner(), 0L);
        while (await rows.NextAsync(scanner, ct) is { } raw)
        {
            if (raw.Problem is null && raw.Bytes.AsSpan().Trim(" \t\r"u8).IsEmpty) continue;
            yield return Parse(number++, raw);
            if (raw.Problem == "truncated") yield break;
        }

        // Cut exactly between two lines: nobody else would say so.
        if (window.IsBroken) yield return new TableRow(number, null, "truncated");
    }

    /// <summary>The elements of one array.</summary>
    public static async IAsyncEnumerable<TableRow> ArrayAsync(ByteWindow window, TableReadOptions options, [EnumeratorCancellation] CancellationToken ct)
    {
        var (rows, scanner, number) = (new RowSplitter(window, options.MaxRowBytes), new ElementScanner(), 0L);
        await SkipToArrayAsync(window, ct);
        var last = default(RawRow);
        while (await rows.NextAsync(scanner, ct) is { } raw)
        {
            last = raw;
            yield return Parse(number++, raw);
        }

        if (!scanner.IsStopped)
        {
            if (last.Problem != "truncated") yield return new TableRow(number, null, "truncated");
            yield break;
        }

        while (await window.FillAsync(1, ct))
        {
            if (!window.Ahead.Trim(" \t\r\n"u8).IsEmpty)
            {
                yield return new TableRow(number, null, "trailing-data");
                yield break;
            }

            window.Advance(window.Ahead.Length);
        }

        if (window.IsBroken) yield return new TableRow(number, null, "truncated");
    }

    private static async ValueTask SkipToArrayAsync(ByteWindow window, CancellationToken ct)
    {
        while (await window.FillAsync(1, ct))
        {
            var bracket = window.Ahead.IndexOf((byte)'[');
            window.Advance(bracket < 0 ? window.Ahead.Length : bracket + 1);
            if (bracket >= 0) return;
        }
    }

    private static TableRow Parse(long number, RawRow raw)
    {
        var (columns, problem) = raw.Problem is null ? Parse(raw.Bytes) : (null, raw.Problem);
        return new TableRow(number, columns, problem);
    }

    private static (Dictionary<string, string>? Columns, string? Problem) Parse(byte[] bytes)
    {
        if (!Utf8.IsValid(bytes)) return (null, "not-utf8");
        if (bytes.AsSpan().Contains((byte)0)) return (null, "nul");
        try
        {
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return (null, "not-an-object");
            var columns = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (Text(member.Value) is not { } value) continue;
                if ((TextNormalizer.Malformation(value) ?? TextNormalizer.Malformation(member.Name)) is { } malformed) return (null, malformed);
                columns[member.Name] = value;
            }

            return (columns, null);
        }
        catch (JsonException)
        {
            return (null, "not-json");
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate: valid JSON, but no text.
            return (null, "lone-surrogate");
        }
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => value.GetRawText(),
    };
}
