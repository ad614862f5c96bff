namespace Temporalio.Exceptions;

/// <summary>A call to the service failed.</summary>
public class RpcException(RpcException.StatusCode code, string message, byte[]? rawStatus) : TemporalException(message)
{
    /// <summary>The codes of gRPC.</summary>
    public enum StatusCode
    {
        OK = 0,
        Cancelled = 1,
        Unknown = 2,
        InvalidArgument = 3,
        DeadlineExceeded = 4,
        NotFound = 5,
        AlreadyExists = 6,
        PermissionDenied = 7,
        ResourceExhausted = 8,
        FailedPrecondition = 9,
        Aborted = 10,
        OutOfRange = 11,
        Unimplemented = 12,
        Internal = 13,
        Unavailable = 14,
        DataLoss = 15,
        Unauthenticated = 16,
    }

    public StatusCode Code { get; private init; } = code;

    public byte[]? RawStatus { get; private init; } = rawStatus;
}

/// <summary>A call took too long or was cancelled.</summary>
public class RpcTimeoutOrCanceledException(string message, Exception? inner) : TemporalException(message, inner);

/// <summary>Waiting for an update took too long or was cancelled; the update itself goes on.</summary>
public class WorkflowUpdateRpcTimeoutOrCanceledException(Exception? inner)
    : RpcTimeoutOrCanceledException("Timeout or cancellation waiting for update", inner);
