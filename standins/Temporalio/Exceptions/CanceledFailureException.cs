using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>Something was cancelled.</summary>
public class CanceledFailureException : FailureException
{
    protected internal CanceledFailureException(string message, Exception? inner = null, IReadOnlyCollection<object?>? details = null)
        : base(message, inner) => Details = new OutboundFailureDetails(details ?? []);

    protected internal CanceledFailureException(Failure failure, Exception? inner, Converters.IPayloadConverter converter)
        : base(failure, inner) => Details = new InboundFailureDetails(
            converter, (failure.Canceled ?? throw new ArgumentException("No cancelled failure info")).Details);

    public new Failure Failure => base.Failure!;

    public IFailureDetails Details { get; protected init; }
}
