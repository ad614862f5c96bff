using Temporalio.Api.Failure.V1;

namespace Temporalio.Exceptions;

/// <summary>An exception that can be a workflow's or an activity's result.</summary>
public class FailureException : TemporalException
{
    protected internal FailureException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    protected internal FailureException(Failure failure, Exception? inner)
        : base(failure.Message, inner) => Failure = failure;

    public Failure? Failure { get; protected init; }

    public override string? StackTrace =>
        base.StackTrace is { Length: > 0 } own ? own : Failure is { StackTrace.Length: > 0 } failure ? failure.StackTrace : base.StackTrace;
}
