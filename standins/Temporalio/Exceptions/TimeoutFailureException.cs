using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>A time-out passed.</summary>
public class TimeoutFailureException : FailureException
{
    protected internal TimeoutFailureException(Failure failure, Exception? inner, Converters.IPayloadConverter converter)
        : base(failure, inner) => LastHeartbeatDetails = new(
            converter, (failure.Timeout ?? throw new ArgumentException("No timeout failure info")).LastHeartbeat);

    public new Failure Failure => base.Failure!;

    public TimeoutType TimeoutType => Failure.Timeout!.Type;

    public InboundFailureDetails LastHeartbeatDetails { get; protected init; }
}
