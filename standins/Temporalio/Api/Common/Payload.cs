using System.Text.Json;
using System.Text.Json.Serialization;

namespace Temporalio.Api.Common.V1;

/// <summary>
/// One encoded value. The package's type is a protobuf message; this one keeps the encoding name and the bytes, and is
/// stored as JSON (<c>{"e":"json/plain","d":&lt;the value itself&gt;}</c>) so that a history can be read in SQL.
/// </summary>
[JsonConverter(typeof(PayloadJson))]
public sealed class Payload : IEquatable<Payload>
{
    internal Payload(string encoding, byte[] data) => (Encoding, Bytes) = (encoding, data);

    internal string Encoding { get; }

    internal byte[] Bytes { get; }

    /// <inheritdoc/>
    public bool Equals(Payload? other) =>
        other != null && other.Encoding == Encoding && other.Bytes.AsSpan().SequenceEqual(Bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Payload);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Encoding, Bytes.Length);

    private sealed class PayloadJson : JsonConverter<Payload>
    {
        public override Payload Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var encoding = document.RootElement.GetProperty("e").GetString()!;
            if (!document.RootElement.TryGetProperty("d", out var data))
            {
                return new(encoding, []);
            }
            return new(encoding, encoding.StartsWith("json/", StringComparison.Ordinal)
                ? System.Text.Encoding.UTF8.GetBytes(data.GetRawText())
                : data.GetBytesFromBase64());
        }

        public override void Write(Utf8JsonWriter writer, Payload value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            writer.WriteString("e", value.Encoding);
            if (value.Encoding.StartsWith("json/", StringComparison.Ordinal))
            {
                writer.WritePropertyName("d");
                writer.WriteRawValue(value.Bytes);
            }
            else if (value.Bytes.Length > 0)
            {
                writer.WriteBase64String("d", value.Bytes);
            }
            writer.WriteEndObject();
        }
    }
}
