// As generated messages are: they say nothing of null.
#nullable disable

using Google.Protobuf.WellKnownTypes;
using Temporalio.Api.Common.V1;
using Temporalio.Api.Enums.V1;

namespace Temporalio.Api.Workflow.V1
{
    /// <summary>An activity that has not ended.</summary>
    public sealed class PendingActivityInfo
    {
        public string ActivityId { get; set; } = string.Empty;

        public ActivityType ActivityType { get; set; }

        public PendingActivityState State { get; set; }

        public int Attempt { get; set; }

        public Timestamp LastHeartbeatTime { get; set; }

        public Timestamp LastStartedTime { get; set; }

        public Timestamp ScheduledTime { get; set; }

        public Failure.V1.Failure LastFailure { get; set; }

        public string LastWorkerIdentity { get; set; } = string.Empty;

        public Activity.V1.ActivityOptions ActivityOptions { get; set; }
    }

    /// <summary>A child that has not ended.</summary>
    public sealed class PendingChildExecutionInfo
    {
        public string WorkflowId { get; set; } = string.Empty;

        public string RunId { get; set; } = string.Empty;

        public string WorkflowTypeName { get; set; } = string.Empty;
    }

    /// <summary>A workflow task that is due or under way.</summary>
    public sealed class PendingWorkflowTaskInfo
    {
        public PendingWorkflowTaskState State { get; set; }

        public Timestamp ScheduledTime { get; set; }

        public int Attempt { get; set; }
    }
}

namespace Temporalio.Api.Activity.V1
{
    /// <summary>How an activity was asked for.</summary>
    public sealed class ActivityOptions
    {
        public TaskQueue.V1.TaskQueue TaskQueue { get; set; }
    }
}

namespace Temporalio.Api.TaskQueue.V1
{
    /// <summary>Names a task queue.</summary>
    public sealed class TaskQueue
    {
        public string Name { get; set; } = string.Empty;
    }

    /// <summary>What waits in a task queue.</summary>
    public sealed class TaskQueueStats
    {
        public long ApproximateBacklogCount { get; set; }

        public Duration ApproximateBacklogAge { get; set; }
    }
}

namespace Temporalio.Api.Common.V1
{
    /// <summary>Names an execution.</summary>
    public sealed class WorkflowExecution
    {
        public string WorkflowId { get; set; } = string.Empty;

        /// <summary>Empty for the newest.</summary>
        public string RunId { get; set; } = string.Empty;
    }

    /// <summary>Names a type of activities.</summary>
    public sealed class ActivityType
    {
        public string Name { get; set; } = string.Empty;
    }
}
