using System.Text.Json;
using System.Text.Json.Serialization;
using Weasel.Core;

namespace Marten.Services;

/// <summary>JSON as stored. Two sets of options, because values of type object are read as text, numbers, truth values and dates.</summary>
internal sealed class DocumentJson
{
    private readonly JsonSerializerOptions _write;
    private readonly JsonSerializerOptions _read;

    public DocumentJson(JsonSerializerOptions? options = null, EnumStorage enums = EnumStorage.AsInteger, Casing casing = Casing.Default, Action<JsonSerializerOptions>? configure = null)
    {
        options ??= new JsonSerializerOptions();
        (_write, _read) = (new JsonSerializerOptions(options), new JsonSerializerOptions(options));
        _read.Converters.Add(new ObjectConverter());
        Enums = enums;
        foreach (var set in (JsonSerializerOptions[])[_write, _read])
        {
            set.PropertyNamingPolicy = casing switch
            {
                Casing.CamelCase => JsonNamingPolicy.CamelCase,
                Casing.SnakeCase => JsonNamingPolicy.SnakeCaseLower,
                _ => null,
            };
            // The store alone decides how enums are written: the caller's own converter goes.
            foreach (var converter in set.Converters.OfType<JsonStringEnumConverter>().ToList()) set.Converters.Remove(converter);
            if (enums == EnumStorage.AsString) set.Converters.Add(new JsonStringEnumConverter());
            configure?.Invoke(set);
        }
    }

    public EnumStorage Enums { get; }

    public byte[] Write(object? value) => value is null ? "null"u8.ToArray() : JsonSerializer.SerializeToUtf8Bytes(value, value.GetType(), _write);

    public object Read(byte[] json, Type type) => JsonSerializer.Deserialize(json, type, _read)!;

    public T Read<T>(byte[] json) => JsonSerializer.Deserialize<T>(json, _read)!;

    /// <summary>Name of a member as stored.</summary>
    public string NameOf(System.Reflection.MemberInfo member) =>
        member.GetCustomAttributes(typeof(JsonPropertyNameAttribute), true).FirstOrDefault() is JsonPropertyNameAttribute named
            ? named.Name
            : _write.PropertyNamingPolicy?.ConvertName(member.Name) ?? member.Name;

    /// <summary>An enum value as stored: a number or a name.</summary>
    public object ValueOf(object enumValue) => Enums == EnumStorage.AsInteger
        ? Convert.ToInt32(enumValue, System.Globalization.CultureInfo.InvariantCulture)
        : JsonSerializer.SerializeToElement(enumValue, enumValue.GetType(), _write).GetString()!;

    private sealed class ObjectConverter : JsonConverter<object>
    {
        public override object? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.True: return true;
                case JsonTokenType.False: return false;
                case JsonTokenType.Number: return reader.TryGetInt64(out var integer) ? integer : reader.GetDouble();
                case JsonTokenType.String: return reader.TryGetDateTime(out var time) ? time : reader.GetString();
                default:
                    using (var document = JsonDocument.ParseValue(ref reader)) return document.RootElement.Clone();
            }
        }

        public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options) => throw new InvalidOperationException("Reads only.");
    }
}
