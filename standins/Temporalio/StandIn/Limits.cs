using Temporalio.Api.Common.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>The service's default limits, with its words.</summary>
internal static class Limits
{
    private const int Blob = 2 << 20;
    private const int HistoryEvents = 50 << 10;
    private const long HistoryBytes = 50L << 20;

    public static readonly Failure Result = Failed("Complete result exceeds size limit.");
    public static readonly Failure Heartbeat = Failed("Heartbeat details exceed size limit.");

    public static bool Exceeds(Payload[]? values) => values?.Sum(v => (long)v.Bytes.Length) > Blob;

    public static bool Exceeds(string? text) => text?.Length > Blob;

    /// <exception cref="RpcException">A client's arguments are too large.</exception>
    public static Payload[] Checked(Payload[] values) => Exceeds(values)
        ? throw new RpcException(RpcException.StatusCode.InvalidArgument, "Blob data size exceeds limit.", null)
        : values;

    /// <summary>Why a history may not grow any further, if so.</summary>
    public static string? Reason(long events, long bytes) =>
        events > HistoryEvents ? "Workflow history count exceeds limit." : bytes > HistoryBytes ? "Workflow history size exceeds limit." : null;

    private static Failure Failed(string message) => new() { Message = message, Server = new(NonRetryable: true) };
}
