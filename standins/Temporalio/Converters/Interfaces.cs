using Temporalio.Api.Common.V1;
using Temporalio.Api.Failure.V1;

namespace Temporalio.Converters;

/// <summary>Between values and payloads.</summary>
public interface IPayloadConverter
{
    Payload ToPayload(object? value);

    object? ToValue(Payload payload, Type type);
}

/// <summary>Between exceptions and failures.</summary>
public interface IFailureConverter
{
    Failure ToFailure(Exception exception, IPayloadConverter payloadConverter);

    Exception ToException(Failure failure, IPayloadConverter payloadConverter);
}

/// <summary>Changes payloads on their way, for example encrypts them.</summary>
public interface IPayloadCodec
{
    Task<IReadOnlyCollection<Payload>> EncodeAsync(IReadOnlyCollection<Payload> payloads);

    Task<IReadOnlyCollection<Payload>> DecodeAsync(IReadOnlyCollection<Payload> payloads);
}

/// <summary>One way to encode.</summary>
public interface IEncodingConverter
{
    string Encoding { get; }

    bool TryToPayload(object? value, out Payload? payload);

    object? ToValue(Payload payload, Type type);
}

/// <summary>A value that is not decoded yet.</summary>
public interface IRawValue
{
    Payload Payload { get; }
}

/// <summary>A value that is still encoded, with the converter that decodes it.</summary>
public interface IEncodedRawValue
{
    Payload Payload { get; }

    Task<T> ToValueAsync<T>();

    Task<object?> ToValueAsync(Type type);
}

/// <summary>A raw value.</summary>
public record RawValue(Payload Payload) : IRawValue;

internal sealed record EncodedRawValue(DataConverter Converter, Payload Payload) : IEncodedRawValue
{
    public Task<T> ToValueAsync<T>() => Converter.ToValueAsync<T>(Payload);

    public Task<object?> ToValueAsync(Type type) => Converter.ToValueAsync(Payload, type);
}
