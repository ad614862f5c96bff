namespace Temporalio.Api.Enums.V1;

/// <summary>What a closed or running execution is.</summary>
public enum WorkflowExecutionStatus { Unspecified, Running, Completed, Failed, Canceled, Terminated, ContinuedAsNew, TimedOut, Paused }

/// <summary>May the id of a closed execution be used again?</summary>
public enum WorkflowIdReusePolicy { Unspecified, AllowDuplicate, AllowDuplicateFailedOnly, RejectDuplicate, TerminateIfRunning }

/// <summary>What happens when the id is running already.</summary>
public enum WorkflowIdConflictPolicy { Unspecified, Fail, UseExisting, TerminateExisting }

/// <summary>Why there is no further attempt.</summary>
public enum RetryState { Unspecified, InProgress, NonRetryableFailure, Timeout, MaximumAttemptsReached, RetryPolicyNotSet, InternalServerError, CancelRequested }

/// <summary>Which time-out passed.</summary>
public enum TimeoutType { Unspecified, StartToClose, ScheduleToStart, ScheduleToClose, Heartbeat }

/// <summary>What a pending activity does.</summary>
public enum PendingActivityState { Unspecified, Scheduled, Started, CancelRequested, Paused, PauseRequested }

/// <summary>What a pending workflow task does.</summary>
public enum PendingWorkflowTaskState { Unspecified, Scheduled, Started }

/// <summary>What a task queue holds.</summary>
public enum TaskQueueType { Unspecified, Workflow, Activity, Nexus }

/// <summary>How an application error is logged.</summary>
public enum ApplicationErrorCategory { Unspecified, Benign }

/// <summary>Which executions refuse a query.</summary>
public enum QueryRejectCondition { Unspecified, None, NotOpen, NotCompletedCleanly }

/// <summary>Which events a history request returns.</summary>
public enum HistoryEventFilterType { Unspecified, AllEvent, CloseEvent }

/// <summary>Type of a search attribute.</summary>
public enum IndexedValueType { Unspecified, Text, Keyword, Int, Double, Bool, Datetime, KeywordList }

/// <summary>Kind of a history event, with the numbers of the service's API.</summary>
public enum EventType
{
    Unspecified = 0,
    WorkflowExecutionStarted = 1,
    WorkflowExecutionCompleted = 2,
    WorkflowExecutionFailed = 3,
    WorkflowExecutionTimedOut = 4,
    WorkflowTaskScheduled = 5,
    WorkflowTaskStarted = 6,
    WorkflowTaskCompleted = 7,
    WorkflowTaskTimedOut = 8,
    WorkflowTaskFailed = 9,
    ActivityTaskScheduled = 10,
    ActivityTaskStarted = 11,
    ActivityTaskCompleted = 12,
    ActivityTaskFailed = 13,
    ActivityTaskTimedOut = 14,
    ActivityTaskCancelRequested = 15,
    ActivityTaskCanceled = 16,
    TimerStarted = 17,
    TimerFired = 18,
    TimerCanceled = 19,
    WorkflowExecutionCancelRequested = 20,
    WorkflowExecutionCanceled = 21,
    RequestCancelExternalWorkflowExecutionInitiated = 22,
    RequestCancelExternalWorkflowExecutionFailed = 23,
    ExternalWorkflowExecutionCancelRequested = 24,
    MarkerRecorded = 25,
    WorkflowExecutionSignaled = 26,
    WorkflowExecutionTerminated = 27,
    WorkflowExecutionContinuedAsNew = 28,
    StartChildWorkflowExecutionInitiated = 29,
    StartChildWorkflowExecutionFailed = 30,
    ChildWorkflowExecutionStarted = 31,
    ChildWorkflowExecutionCompleted = 32,
    ChildWorkflowExecutionFailed = 33,
    ChildWorkflowExecutionCanceled = 34,
    ChildWorkflowExecutionTimedOut = 35,
    ChildWorkflowExecutionTerminated = 36,
    SignalExternalWorkflowExecutionInitiated = 37,
    SignalExternalWorkflowExecutionFailed = 38,
    ExternalWorkflowExecutionSignaled = 39,
    UpsertWorkflowSearchAttributes = 40,
    WorkflowExecutionUpdateAccepted = 41,
    WorkflowExecutionUpdateRejected = 42,
    WorkflowExecutionUpdateCompleted = 43,
    WorkflowPropertiesModified = 46,
}
