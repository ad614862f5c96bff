using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>An activity failed for good; the inner exception says how.</summary>
public class ActivityFailureException : FailureException
{
    protected internal ActivityFailureException(Failure failure, Exception? inner)
        : base(failure, inner)
    {
        if (failure.Activity == null)
        {
            throw new ArgumentException("Missing activity failure info");
        }
    }

    public new Failure Failure => base.Failure!;

    public string? Identity => Failure.Activity!.Identity;

    public string ActivityType => Failure.Activity!.ActivityType;

    public string ActivityId => Failure.Activity!.ActivityId;

    public RetryState RetryState => Failure.Activity!.RetryState;
}
