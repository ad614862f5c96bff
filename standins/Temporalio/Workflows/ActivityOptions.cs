using Temporalio.Common;

namespace Temporalio.Workflows;

/// <summary>How a cancelled activity is waited for.</summary>
public enum ActivityCancellationType
{
    TryCancel,
    WaitCancellationCompleted,
    Abandon,
}

/// <summary>How a workflow calls an activity; a start-to-close or schedule-to-close time-out is required.</summary>
public class ActivityOptions : ICloneable
{
    /// <summary>From scheduling to the end, all attempts together.</summary>
    public TimeSpan? ScheduleToCloseTimeout { get; set; }

    /// <summary>From scheduling to the start of the first attempt.</summary>
    public TimeSpan? ScheduleToStartTimeout { get; set; }

    /// <summary>Of one attempt.</summary>
    public TimeSpan? StartToCloseTimeout { get; set; }

    /// <summary>Longest silence of an attempt.</summary>
    public TimeSpan? HeartbeatTimeout { get; set; }

    public RetryPolicy? RetryPolicy { get; set; }

    public ActivityCancellationType CancellationType { get; set; } = ActivityCancellationType.TryCancel;

    public CancellationToken? CancellationToken { get; set; }

    public string? TaskQueue { get; set; }

    public string? Summary { get; set; }

    public string? ActivityId { get; set; }

    public bool DisableEagerActivityExecution { get; set; }

    public Priority? Priority { get; set; }

    public virtual object Clone() => MemberwiseClone();
}
