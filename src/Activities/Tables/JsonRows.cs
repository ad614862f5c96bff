using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tables;

/// <summary>Rows that are JSON objects.</summary>
internal static class JsonRows
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public static async IAsyncEnumerable<TableRow> LinesAsync(RowSplitter rows, [EnumeratorCancellation] CancellationToken ct)
    {
        var number = 0L;
        while (await rows.LineAsync(ct) is { } raw)
        {
            if (raw.Bytes is { } bytes && bytes.AsSpan().Trim(" \t"u8).IsEmpty) continue;
            yield return Parse(number++, raw);
        }
    }

    public static async IAsyncEnumerable<TableRow> ArrayAsync(RowSplitter rows, [EnumeratorCancellation] CancellationToken ct)
    {
        var number = 0L;
        while (await rows.ElementAsync(ct) is { } raw) yield return Parse(number++, raw);
    }

    private static TableRow Parse(long number, RawRow raw)
    {
        if (raw.Bytes is null) return new TableRow(number, null, raw.Problem);
        try
        {
            Strict.GetCharCount(raw.Bytes);
        }
        catch (DecoderFallbackException)
        {
            return new TableRow(number, null, "not-utf8");
        }

        try
        {
            using var document = JsonDocument.Parse(raw.Bytes, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind != JsonValueKind.Object) return new TableRow(number, null, "not-an-object");
            var columns = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (Text(member.Value) is not { } value) continue;
                if (TextNormalizer.Malformation(value) is { } malformed) return new TableRow(number, null, malformed);
                columns[member.Name] = value;
            }

            return new TableRow(number, columns, null);
        }
        catch (JsonException)
        {
            return new TableRow(number, null, "not-json");
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate: valid JSON, but no text.
            return new TableRow(number, null, "lone-surrogate");
        }
    }

    private static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => value.GetRawText(),
    };
}
