using Temporalio.Api.Common.V1;
using Temporalio.Api.Failure.V1;
using Temporalio.Exceptions;

namespace Temporalio.Converters;

/// <summary>Keeps type, message, stack trace, cause and details.</summary>
public class DefaultFailureConverter : IFailureConverter
{
    public virtual Failure ToFailure(Exception exception, IPayloadConverter payloadConverter)
    {
        if (exception is FailureException { Failure: { } known })
        {
            return known;
        }
        var failure = new Failure
        {
            Message = exception.Message,
            StackTrace = exception.StackTrace ?? string.Empty,
            Cause = exception.InnerException is { } inner ? ToFailure(inner, payloadConverter) : null,
        };
        switch (exception)
        {
            case ApplicationFailureException application:
                failure.Application = new(
                    application.ErrorType, application.NonRetryable, Pack(application.Details, payloadConverter),
                    application.NextRetryDelay, application.Category);
                break;
            case CanceledFailureException canceled:
                failure.Canceled = new(Pack(canceled.Details, payloadConverter));
                break;
            case WorkflowAlreadyStartedException:
                break;
            default:
                failure.Application = new(exception.GetType().Name, false, null, null, default);
                break;
        }
        return failure;
    }

    public virtual Exception ToException(Failure failure, IPayloadConverter payloadConverter)
    {
        var inner = failure.Cause is { } cause ? ToException(cause, payloadConverter) : null;
        return failure switch
        {
            { Application: not null } => new ApplicationFailureException(failure, inner, payloadConverter),
            { Timeout: not null } => new TimeoutFailureException(failure, inner, payloadConverter),
            { Canceled: not null } => new CanceledFailureException(failure, inner, payloadConverter),
            { Terminated: { } info } => new TerminatedFailureException(
                failure, inner, info.Details == null ? null : new InboundFailureDetails(payloadConverter, info.Details)),
            { Activity: not null } => new ActivityFailureException(failure, inner),
            { Child: not null } => new ChildWorkflowFailureException(failure, inner),
            { Server: not null } => new ServerFailureException(failure, inner),
            _ => new FailureException(failure, inner),
        };
    }

    private static Payload[]? Pack(IFailureDetails details, IPayloadConverter converter) =>
        details is OutboundFailureDetails { Details: { Count: > 0 } values } ? converter.Pack(values) : null;
}
