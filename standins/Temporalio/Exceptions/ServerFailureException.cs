using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>The service itself failed.</summary>
public class ServerFailureException : FailureException
{
    protected internal ServerFailureException(Failure failure, Exception? inner)
        : base(failure, inner)
    {
        if (failure.Server == null)
        {
            throw new ArgumentException("Missing server failure info");
        }
    }

    public new Failure Failure => base.Failure!;

    public bool NonRetryable => Failure.Server!.NonRetryable;
}
