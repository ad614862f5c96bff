using Temporalio.Api.Enums.V1;

namespace Temporalio.Exceptions;

/// <summary>A workflow that a client waited for failed; the inner exception says how.</summary>
public class WorkflowFailedException(Exception? inner) : TemporalException("Workflow failed", inner);

/// <summary>A workflow that a client waited for went on as a new run.</summary>
public class WorkflowContinuedAsNewException(string newRunId) : TemporalException("Workflow continued as new")
{
    public string NewRunId { get; private init; } = newRunId;
}

/// <summary>A query's handler failed.</summary>
public class WorkflowQueryFailedException(string message) : TemporalException(message);

/// <summary>The workflow's status was not one that the query accepts.</summary>
public class WorkflowQueryRejectedException(WorkflowExecutionStatus workflowStatus)
    : TemporalException($"Query rejected, workflow status: {workflowStatus}")
{
    public WorkflowExecutionStatus WorkflowStatus { get; private init; } = workflowStatus;
}

/// <summary>An update was rejected or failed; the inner exception says how.</summary>
public class WorkflowUpdateFailedException(Exception? inner) : TemporalException("Workflow update failed", inner);
