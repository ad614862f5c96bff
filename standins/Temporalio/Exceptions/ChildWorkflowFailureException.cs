using Temporalio.Api.Enums.V1;
using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>A child failed; the inner exception says how.</summary>
public class ChildWorkflowFailureException : FailureException
{
    protected internal ChildWorkflowFailureException(Failure failure, Exception? inner)
        : base(failure, inner)
    {
        if (failure.Child == null)
        {
            throw new ArgumentException("Missing child workflow failure info");
        }
    }

    public new Failure Failure => base.Failure!;

    public string Namespace => Failure.Child!.Namespace;

    public string WorkflowId => Failure.Child!.WorkflowId;

    public string RunId => Failure.Child!.RunId;

    public string WorkflowType => Failure.Child!.WorkflowType;

    public RetryState RetryState => Failure.Child!.RetryState;
}
