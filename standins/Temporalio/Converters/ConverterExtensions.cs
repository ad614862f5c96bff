using Temporalio.Api.Common.V1;
using Temporalio.Api.Failure.V1;

namespace Temporalio.Converters;

/// <summary>Short forms.</summary>
public static class ConverterExtensions
{
    public static async Task<IReadOnlyCollection<Payload>> ToPayloadsAsync(this DataConverter converter, IReadOnlyCollection<object?> values)
    {
        IReadOnlyCollection<Payload> payloads = converter.PayloadConverter.ToPayloads(values);
        return converter.PayloadCodec == null ? payloads : await converter.PayloadCodec.EncodeAsync(payloads).ConfigureAwait(false);
    }

    public static async Task<Payload> ToPayloadAsync(this DataConverter converter, object? value) =>
        (await converter.ToPayloadsAsync([value]).ConfigureAwait(false)).Single();

    public static async Task<T> ToValueAsync<T>(this DataConverter converter, Payload payload) =>
        (T)(await converter.ToValueAsync(payload, typeof(T)).ConfigureAwait(false))!;

    public static async Task<object?> ToValueAsync(this DataConverter converter, Payload payload, Type type)
    {
        if (converter.PayloadCodec != null)
        {
            payload = (await converter.PayloadCodec.DecodeAsync([payload]).ConfigureAwait(false)).Single();
        }
        return converter.PayloadConverter.ToValue(payload, type);
    }

    public static Task<T> ToSingleValueAsync<T>(this DataConverter converter, IReadOnlyCollection<Payload> payloads) =>
        converter.ToValueAsync<T>(payloads.Single());

    public static Task<object?> ToSingleValueAsync(this DataConverter converter, IReadOnlyCollection<Payload> payloads, Type type) =>
        converter.ToValueAsync(payloads.Single(), type);

    public static Task<Exception> ToExceptionAsync(this DataConverter converter, Failure failure) =>
        Task.FromResult(converter.FailureConverter.ToException(failure, converter.PayloadConverter));

    public static Task<Failure> ToFailureAsync(this DataConverter converter, Exception exc) =>
        Task.FromResult(converter.FailureConverter.ToFailure(exc, converter.PayloadConverter));

    public static IReadOnlyCollection<Payload> ToPayloads(this IPayloadConverter converter, IReadOnlyCollection<object?> values) =>
        values.Select(converter.ToPayload).ToArray();

    public static T ToValue<T>(this IPayloadConverter converter, Payload payload) => (T)converter.ToValue(payload, typeof(T))!;

    public static T ToValue<T>(this IPayloadConverter converter, IRawValue rawValue) => converter.ToValue<T>(rawValue.Payload);

    public static RawValue ToRawValue(this IPayloadConverter converter, object? value) => new(converter.ToPayload(value));

    internal static Payload[] Pack(this IPayloadConverter converter, IReadOnlyCollection<object?> values) =>
        values.Select(converter.ToPayload).ToArray();

    /// <summary>A value, or the default where nothing is expected (<see cref="ValueTuple"/>) or nothing is there.</summary>
    internal static T FromResult<T>(this IPayloadConverter converter, Payload[]? payloads) =>
        typeof(T) == typeof(ValueTuple) || payloads == null || payloads.Length == 0 ? default! : converter.ToValue<T>(payloads[0]);
}
