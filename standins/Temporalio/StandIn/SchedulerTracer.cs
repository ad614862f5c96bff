using System.Diagnostics.Tracing;
using Temporalio.Exceptions;

namespace Temporalio.StandIn;

/// <summary>
/// Hears of every task in the process from the runtime's own event sources, and fails the workflow task whose code put one on
/// another scheduler (Task.Run, ConfigureAwait(false)) or handed work to another thread (timers, Task.Delay).
/// </summary>
internal sealed class SchedulerTracer : EventListener
{
    private const string TaskSource = "System.Threading.Tasks.TplEventSource";
    private const string FrameworkSource = "System.Diagnostics.Eventing.FrameworkEventSource";

    // TaskScheduled, TaskStarted, TaskCompleted, TaskWaitBegin, TaskWaitEnd; their first value is the scheduler's id.
    private const int FirstTaskEvent = 7;
    private const int LastTaskEvent = 11;
    private const EventKeywords Tasks = (EventKeywords)0x2;
    private const EventKeywords ThreadTransfer = (EventKeywords)0x10;
    private const EventTask ThreadTransferTask = (EventTask)3;

    private static readonly Lock Gate = new();
    private static SchedulerTracer? current;
    private static int users;

    public static void Acquire()
    {
        lock (Gate)
        {
            if (users++ == 0)
            {
                current = new SchedulerTracer();
            }
        }
    }

    public static void Release()
    {
        lock (Gate)
        {
            if (--users == 0)
            {
                current?.Dispose();
                current = null;
            }
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == TaskSource)
        {
            EnableEvents(eventSource, EventLevel.Informational, Tasks);
        }
        else if (eventSource.Name == FrameworkSource)
        {
            EnableEvents(eventSource, EventLevel.Informational, ThreadTransfer);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (TaskScheduler.Current is not WorkflowInstance { Active: true } workflow)
        {
            return;
        }
        if (eventData.EventSource.Name == TaskSource)
        {
            if (eventData.EventId is >= FirstTaskEvent and <= LastTaskEvent && workflow.Id != eventData.Payload?[0] as int?)
            {
                workflow.FailTask(new InvalidWorkflowSchedulerException(
                    "Task during workflow run was not scheduled on workflow scheduler", Environment.StackTrace));
            }
        }
        else if (eventData.Task == ThreadTransferTask)
        {
            workflow.FailTask(new InvalidWorkflowSchedulerException(
                "Workflow attempted to perform a thread transfer task which is non-deterministic. " +
                "This can be caused by timers or other non-deterministic async calls.",
                Environment.StackTrace));
        }
    }
}
