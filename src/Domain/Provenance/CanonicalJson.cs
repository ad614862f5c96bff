using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace XInstruct.Domain.Provenance;

/// <summary>JSON Canonicalization Scheme, RFC 8785: one byte sequence for one value, whatever store it went through.</summary>
public static class CanonicalJson
{
    /// <summary>Canonical UTF-8 bytes of a JSON text.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static byte[] Of(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
        using var document = JsonDocument.ParseValue(ref reader);
        return Of(document.RootElement);
    }

    /// <summary>Canonical UTF-8 bytes of a JSON text.</summary>
    public static byte[] Of(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 128 });
        return Of(document.RootElement);
    }

    /// <summary>Canonical UTF-8 bytes of a value, leaving out the named members of the outermost object.</summary>
    public static byte[] Of(JsonElement value, string? without = null)
    {
        var output = new ArrayBufferWriter<byte>(256);
        Write(output, value, without);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Canonical bytes of an object serialised with <paramref name="options"/>.</summary>
    public static byte[] Of<T>(T value, JsonSerializerOptions options) => Of(JsonSerializer.SerializeToElement(value, options));

    /// <summary>Canonical UTF-8 bytes of a text.</summary>
    public static byte[] OfText(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var output = new ArrayBufferWriter<byte>(text.Length + 16);
        WriteString(output, text);
        return output.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> output, JsonElement value, string? without = null)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                // Ordinal comparison of .NET strings is the comparison of UTF-16 code units that section 3.2.3 asks for.
                var members = value.EnumerateObject().Where(m => without is null || m.Name != without).ToArray();
                Array.Sort(members, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
                output.Write("{"u8);
                for (var i = 0; i < members.Length; i++)
                {
                    if (i > 0) output.Write(","u8);
                    WriteString(output, members[i].Name);
                    output.Write(":"u8);
                    Write(output, members[i].Value);
                }

                output.Write("}"u8);
                break;
            case JsonValueKind.Array:
                output.Write("["u8);
                var first = true;
                foreach (var item in value.EnumerateArray())
                {
                    if (!first) output.Write(","u8);
                    first = false;
                    Write(output, item);
                }

                output.Write("]"u8);
                break;
            case JsonValueKind.String: WriteString(output, value.GetString()!); break;
            case JsonValueKind.Number: WriteAscii(output, Number(value.GetDouble())); break;
            case JsonValueKind.True: output.Write("true"u8); break;
            case JsonValueKind.False: output.Write("false"u8); break;
            default: output.Write("null"u8); break;
        }
    }

    private static void WriteString(ArrayBufferWriter<byte> output, string text)
    {
        output.Write("\""u8);
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var escape = text[i] switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' => "\\u" + ((int)text[i]).ToString("x4", CultureInfo.InvariantCulture),
                _ => null,
            };
            if (escape is null) continue;
            WriteUtf8(output, text.AsSpan(start, i - start));
            WriteAscii(output, escape);
            start = i + 1;
        }

        WriteUtf8(output, text.AsSpan(start));
        output.Write("\""u8);
    }

    private static void WriteUtf8(ArrayBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return;
        var count = Encoding.UTF8.GetBytes(text, output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));
        output.Advance(count);
    }

    private static void WriteAscii(ArrayBufferWriter<byte> output, string text) =>
        output.Advance(Encoding.ASCII.GetBytes(text, output.GetSpan(text.Length)));

    /// <summary>A double as ECMAScript writes it (RFC 8785, section 3.2.2.3).</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value)) throw new JsonException($"{value} has no JSON form.");
        if (value == 0) return "0";
        // "E16" of the shortest round-trip digits: d.ddddE+xx, from which the ECMAScript layout follows.
        var shortest = value.ToString("R", CultureInfo.InvariantCulture);
        var negative = shortest[0] == '-';
        if (negative) shortest = shortest[1..];
        var exponentAt = shortest.IndexOf('E', StringComparison.Ordinal);
        var exponent = exponentAt < 0 ? 0 : int.Parse(shortest.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? shortest : shortest[..exponentAt];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? mantissa : mantissa.Remove(point, 1);
        // n: position of the decimal point counted from the first significant digit.
        var n = (point < 0 ? mantissa.Length : point) + exponent;
        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits[leading..].TrimEnd('0');
        n -= leading;
        var k = digits.Length;
        var text = (n, k) switch
        {
            _ when k <= n && n <= 21 => digits + new string('0', n - k),
            _ when n is > 0 and <= 21 => digits[..n] + "." + digits[n..],
            _ when n is > -6 and <= 0 => "0." + new string('0', -n) + digits,
            _ => (k == 1 ? digits : digits[..1] + "." + digits[1..]) + "e" + (n - 1 >= 0 ? "+" : "-") +
                 Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture),
        };
        return negative ? "-" + text : text;
    }
}
