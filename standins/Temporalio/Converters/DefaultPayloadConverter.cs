using System.Text.Json;
using Temporalio.Api.Common.V1;

namespace Temporalio.Converters;

/// <summary>Null, bytes, then JSON.</summary>
public class DefaultPayloadConverter : IPayloadConverter
{
    public DefaultPayloadConverter()
        : this(new JsonSerializerOptions())
    {
    }

    public DefaultPayloadConverter(JsonSerializerOptions jsonSerializerOptions)
        : this(new BinaryNullConverter(), new BinaryPlainConverter(), new JsonPlainConverter(jsonSerializerOptions))
    {
    }

    public DefaultPayloadConverter(params IEncodingConverter[] encodingConverters) => EncodingConverters = encodingConverters;

    public IReadOnlyCollection<IEncodingConverter> EncodingConverters { get; private init; }

    public Payload ToPayload(object? value)
    {
        if (value is IRawValue raw)
        {
            return raw.Payload;
        }
        foreach (var converter in EncodingConverters)
        {
            if (converter.TryToPayload(value, out var payload))
            {
                return payload!;
            }
        }
        throw new ArgumentException($"Value of type {value?.GetType()} has no known converter");
    }

    public object? ToValue(Payload payload, Type type)
    {
        if (typeof(IRawValue).IsAssignableFrom(type))
        {
            return new RawValue(payload);
        }
        var converter = EncodingConverters.FirstOrDefault(c => c.Encoding == payload.Encoding) ??
            throw new ArgumentException($"Unknown payload encoding {payload.Encoding}");
        return converter.ToValue(payload, type);
    }
}
