using System.Globalization;
using System.Text.Json;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Tables;

/// <summary>
/// A column by its name, or a place inside a column that holds JSON: <c>conversations[0].value</c> counts from 0, <c>messages[role=user].content</c>
/// is the first element of which that member has that value.
/// </summary>
internal static class ColumnPath
{
    /// <summary>The value as text; null when there is none, or it is no text. A column of the very name comes first.</summary>
    public static string? Find(IReadOnlyDictionary<string, string> columns, string path)
    {
        if (columns.TryGetValue(path, out var value)) return value;
        var end = path.AsSpan().IndexOfAny('[', '.');
        if (end <= 0 || !columns.TryGetValue(path[..end], out var json)) return null;
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            return Walk(document.RootElement, path.AsSpan(end)) is { ValueKind: JsonValueKind.String } found && found.GetString() is { } text && TextNormalizer.Malformation(text) is null
                ? text
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or an escaped lone surrogate.
            return null;
        }
    }

    private static JsonElement? Walk(JsonElement? place, ReadOnlySpan<char> rest)
    {
        while (!rest.IsEmpty && place is { } here)
        {
            if (rest[0] == '[')
            {
                var close = rest.IndexOf(']');
                if (close < 0) return null;
                place = Element(here, rest[1..close]);
                rest = rest[(close + 1)..];
                continue;
            }

            if (rest[0] != '.') return null;
            var length = rest[1..].IndexOfAny('[', '.');
            var name = length < 0 ? rest[1..] : rest.Slice(1, length);
            place = Member(here, name);
            rest = rest[(1 + name.Length)..];
        }

        return place;
    }

    private static JsonElement? Member(JsonElement place, ReadOnlySpan<char> name) =>
        place.ValueKind == JsonValueKind.Object && place.TryGetProperty(name, out var member) ? member : null;

    private static JsonElement? Element(JsonElement place, ReadOnlySpan<char> which)
    {
        if (place.ValueKind != JsonValueKind.Array) return null;
        var equals = which.IndexOf('=');
        if (equals < 0)
        {
            return int.TryParse(which, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < place.GetArrayLength() ? place[index] : null;
        }

        foreach (var element in place.EnumerateArray())
        {
            if (Member(element, which[..equals]) is { ValueKind: JsonValueKind.String } member && member.ValueEquals(which[(equals + 1)..])) return element;
        }

        return null;
    }
}
