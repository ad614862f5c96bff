namespace Temporalio.Exceptions;

/// <summary>A workflow did something that it cannot do; fails the workflow task, not the workflow.</summary>
public class InvalidWorkflowOperationException : TemporalException
{
    internal InvalidWorkflowOperationException(string message)
        : base(message)
    {
    }
}

/// <summary>A workflow left its scheduler, for example by Task.Run or Task.Delay.</summary>
public class InvalidWorkflowSchedulerException : InvalidWorkflowOperationException
{
    private readonly string? stackTraceOverride;

    internal InvalidWorkflowSchedulerException(string message, string? stackTraceOverride = null)
        : base(message) => this.stackTraceOverride = stackTraceOverride;

    public override string? StackTrace => stackTraceOverride ?? base.StackTrace;
}

/// <summary>A replay did not do what the history says.</summary>
public class WorkflowNondeterminismException : InvalidWorkflowOperationException
{
    internal WorkflowNondeterminismException(string message)
        : base(message)
    {
    }
}
