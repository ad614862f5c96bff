using System.Text.Json;
using Temporalio.Api.Common.V1;

namespace Temporalio.Converters;

/// <summary>No value.</summary>
public class BinaryNullConverter : IEncodingConverter
{
    public string Encoding => "binary/null";

    public bool TryToPayload(object? value, out Payload? payload)
    {
        payload = value == null ? new Payload(Encoding, []) : null;
        return payload != null;
    }

    public object? ToValue(Payload payload, Type type) => type.IsValueType && Nullable.GetUnderlyingType(type) == null
        ? throw new ArgumentException($"Payload is null, but type {type} is not nullable")
        : null;
}

/// <summary>Plain bytes.</summary>
public class BinaryPlainConverter : IEncodingConverter
{
    public string Encoding => "binary/plain";

    public bool TryToPayload(object? value, out Payload? payload)
    {
        payload = value is byte[] bytes ? new Payload(Encoding, bytes) : null;
        return payload != null;
    }

    public object? ToValue(Payload payload, Type type) => type == typeof(byte[])
        ? payload.Bytes
        : throw new ArgumentException($"Payload is byte array, but type is {type}");
}

/// <summary>JSON by System.Text.Json.</summary>
public class JsonPlainConverter : IEncodingConverter
{
    public JsonPlainConverter(JsonSerializerOptions serializerOptions) => SerializerOptions = serializerOptions;

    public virtual string Encoding => "json/plain";

    protected JsonSerializerOptions SerializerOptions { get; private init; }

    public virtual bool TryToPayload(object? value, out Payload? payload)
    {
        payload = new Payload(Encoding, JsonSerializer.SerializeToUtf8Bytes(value, SerializerOptions));
        return true;
    }

    public virtual object? ToValue(Payload payload, Type type) => JsonSerializer.Deserialize(payload.Bytes, type, SerializerOptions);
}
