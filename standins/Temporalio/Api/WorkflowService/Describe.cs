// As generated messages are: they say nothing of null.
#nullable disable

using Google.Protobuf.Collections;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.TaskQueue.V1;
using Temporalio.Api.Workflow.V1;

namespace Temporalio.Api.WorkflowService.V1;

/// <summary>Asks for an execution and what it waits for.</summary>
public sealed class DescribeWorkflowExecutionRequest
{
    public string Namespace { get; set; } = string.Empty;

    public WorkflowExecution Execution { get; set; }
}

/// <summary>What an execution waits for.</summary>
public sealed class DescribeWorkflowExecutionResponse
{
    public RepeatedField<PendingActivityInfo> PendingActivities { get; } = [];

    public RepeatedField<PendingChildExecutionInfo> PendingChildren { get; } = [];

    /// <summary>Null when no workflow task is due or under way.</summary>
    public PendingWorkflowTaskInfo PendingWorkflowTask { get; set; }
}

/// <summary>Asks for a task queue.</summary>
public sealed class DescribeTaskQueueRequest
{
    public string Namespace { get; set; } = string.Empty;

    public TaskQueue.V1.TaskQueue TaskQueue { get; set; }

    public TaskQueueType TaskQueueType { get; set; }

    public bool ReportStats { get; set; }
}

/// <summary>What is known of a task queue.</summary>
public sealed class DescribeTaskQueueResponse
{
    /// <summary>Null unless asked for.</summary>
    public TaskQueueStats Stats { get; set; }
}
