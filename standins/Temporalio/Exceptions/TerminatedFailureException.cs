using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>A workflow was terminated.</summary>
public class TerminatedFailureException : FailureException
{
    protected internal TerminatedFailureException(Failure failure, Exception? inner, InboundFailureDetails? details)
        : base(failure, inner)
    {
        if (failure.Terminated == null)
        {
            throw new ArgumentException("Missing terminated failure info");
        }
        Details = details;
    }

    public new Failure Failure => base.Failure!;

    public IFailureDetails? Details { get; protected init; }
}
