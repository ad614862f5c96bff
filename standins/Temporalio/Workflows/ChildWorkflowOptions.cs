using Temporalio.Api.Enums.V1;
using Temporalio.Common;

namespace Temporalio.Workflows;

/// <summary>What happens to a child when its parent ends.</summary>
public enum ParentClosePolicy
{
    None,
    Terminate,
    Abandon,
    RequestCancel,
}

/// <summary>How a cancelled child is waited for.</summary>
public enum ChildWorkflowCancellationType
{
    Abandon,
    TryCancel,
    WaitCancellationCompleted,
    WaitCancellationRequested,
}

/// <summary>How a workflow starts a child.</summary>
public class ChildWorkflowOptions : ICloneable
{
    public string? Id { get; set; }

    public string? TaskQueue { get; set; }

    public string? StaticSummary { get; set; }

    public string? StaticDetails { get; set; }

    public RetryPolicy? RetryPolicy { get; set; }

    public ChildWorkflowCancellationType CancellationType { get; set; } = ChildWorkflowCancellationType.WaitCancellationCompleted;

    public CancellationToken? CancellationToken { get; set; }

    public ParentClosePolicy ParentClosePolicy { get; set; } = ParentClosePolicy.Terminate;

    public TimeSpan? ExecutionTimeout { get; set; }

    public TimeSpan? RunTimeout { get; set; }

    public TimeSpan? TaskTimeout { get; set; }

    public WorkflowIdReusePolicy IdReusePolicy { get; set; } = WorkflowIdReusePolicy.AllowDuplicate;

    public IReadOnlyDictionary<string, object>? Memo { get; set; }

    public SearchAttributeCollection? TypedSearchAttributes { get; set; }

    public Priority? Priority { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Options of a signal to a child.</summary>
public class ChildWorkflowSignalOptions : ICloneable
{
    public CancellationToken? CancellationToken { get; set; }

    public virtual object Clone() => MemberwiseClone();
}

/// <summary>Options of a signal to another workflow.</summary>
public class ExternalWorkflowSignalOptions : ICloneable
{
    public CancellationToken? CancellationToken { get; set; }

    public virtual object Clone() => MemberwiseClone();
}
