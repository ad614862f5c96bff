namespace Temporalio.Exceptions;

/// <summary>The workflow id is in use.</summary>
public class WorkflowAlreadyStartedException : FailureException
{
    [Obsolete("Use other constructor")]
    public WorkflowAlreadyStartedException(string message, string workflowId, string runId)
        : this(message, workflowId, "<unknown>", runId)
    {
    }

    public WorkflowAlreadyStartedException(string message, string workflowId, string workflowType, string runId)
        : base(message) => (WorkflowId, WorkflowType, RunId) = (workflowId, workflowType, runId);

    public string WorkflowId { get; private init; }

    public string WorkflowType { get; private init; }

    public string RunId { get; private init; }
}
