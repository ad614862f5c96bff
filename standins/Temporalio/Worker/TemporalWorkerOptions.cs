using Microsoft.Extensions.Logging;
using Temporalio.Activities;
using Temporalio.Workflows;

namespace Temporalio.Worker;

/// <summary>What a worker does and how much at a time.</summary>
public class TemporalWorkerOptions : ICloneable
{
    private IList<ActivityDefinition> activities = [];
    private IList<WorkflowDefinition> workflows = [];

    public TemporalWorkerOptions()
    {
    }

    public TemporalWorkerOptions(string taskQueue) => TaskQueue = taskQueue;

    public string? TaskQueue { get; set; }

    public IList<ActivityDefinition> Activities => activities;

    public IList<WorkflowDefinition> Workflows => workflows;

    public TaskFactory ActivityTaskFactory { get; set; } = Task.Factory;

    [Obsolete("Use DeploymentOptions instead")]
    public string? BuildId { get; set; }

    /// <summary>The version that a worker belongs to. The stand-in's engine has one version and refuses workers that use versioning.</summary>
    public WorkerDeploymentOptions? DeploymentOptions { get; set; }

    public string? Identity { get; set; }

    public IReadOnlyCollection<Interceptors.IWorkerInterceptor>? Interceptors { get; set; }

    public int? MaxConcurrentActivities { get; set; }

    public TimeSpan MaxHeartbeatThrottleInterval { get; set; } = TimeSpan.FromSeconds(60);

    public TimeSpan DefaultHeartbeatThrottleInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long activities may go on after a shutdown began before they are cancelled.</summary>
    public TimeSpan GracefulShutdownTimeout { get; set; } = TimeSpan.Zero;

    public int MaxCachedWorkflows { get; set; } = 10000;

    public int? MaxConcurrentWorkflowTasks { get; set; }

    public int? MaxConcurrentLocalActivities { get; set; }

    /// <summary>How long a task waits for the worker that has its workflow cached. The stand-in waits 2 seconds at most.</summary>
    public TimeSpan StickyQueueScheduleToStartTimeout { get; set; } = TimeSpan.FromSeconds(10);

    public int MaxConcurrentWorkflowTaskPolls { get; set; } = 5;

    public float NonStickyToStickyPollRatio { get; set; } = 0.2F;

    public int MaxConcurrentActivityTaskPolls { get; set; } = 5;

    public IReadOnlyCollection<Type>? WorkflowFailureExceptionTypes { get; set; }

    public bool DebugMode { get; set; } = System.Diagnostics.Debugger.IsAttached;

    public bool DisableWorkflowTracingEventListener { get; set; }

    public ILoggerFactory? LoggerFactory { get; set; }

    public bool DisableEagerActivityExecution { get; set; }

    public TemporalWorkerOptions AddActivity(Delegate del) => AddActivity(ActivityDefinition.Create(del));

    public TemporalWorkerOptions AddActivity(ActivityDefinition definition)
    {
        Activities.Add(definition);
        return this;
    }

    public TemporalWorkerOptions AddAllActivities<T>(T? instance) => AddAllActivities(typeof(T), instance);

    public TemporalWorkerOptions AddAllActivities(Type type, object? instance)
    {
        foreach (var definition in ActivityDefinition.CreateAll(type, instance))
        {
            AddActivity(definition);
        }
        return this;
    }

    public TemporalWorkerOptions AddWorkflow<T>() => AddWorkflow(typeof(T));

    public TemporalWorkerOptions AddWorkflow(Type type) => AddWorkflow(WorkflowDefinition.Create(type));

    public TemporalWorkerOptions AddWorkflow(WorkflowDefinition definition)
    {
        Workflows.Add(definition);
        return this;
    }

    public virtual object Clone()
    {
        var copy = (TemporalWorkerOptions)MemberwiseClone();
        copy.activities = [.. activities];
        copy.workflows = [.. workflows];
        return copy;
    }
}
