using Temporalio.Common;
using Temporalio.Workflows;

namespace XInstruct.Workflows;

/// <summary>Task queues: work goes to the machines that can do it.</summary>
public static class TaskQueues
{
    /// <summary>Workflows, files, event appends.</summary>
    public const string Cpu = "xi-cpu";

    /// <summary>Local models: training, generation, rating, embeddings.</summary>
    public const string Gpu = "xi-gpu";

    /// <summary>Remote endpoints.</summary>
    public const string Api = "xi-api";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Cpu, Gpu, Api];
}

/// <summary>Error types that no retry can mend: the run stops with the remedy in the message.</summary>
public static class FailureTypes
{
    /// <summary>An input file is not what it was, or not readable.</summary>
    public const string BadInput = "BadInput";

    /// <summary>More malformed rows than the recipe allows.</summary>
    public const string TooManyBadRows = "TooManyBadRows";

    /// <summary>Nothing is left to go on with, e.g. a language without one accepted text.</summary>
    public const string NothingLeft = "NothingLeft";

    /// <summary>A stored hash does not match what is stored, or something stored is gone: the name of the exception that the activities throw.</summary>
    public const string Tampered = "TamperedException";

    /// <summary>An endpoint does not accept a key, a model or an address.</summary>
    public const string EndpointUnusable = "EndpointUnusable";

    /// <summary>The next call might pass the budget.</summary>
    public const string BudgetSpent = "BudgetSpent";

    /// <summary>A training diverged, does not fit into memory, or asks for what the device cannot do.</summary>
    public const string TrainingFailed = "TrainingFailed";

    /// <summary>A job came upon something that it was not made for.</summary>
    public const string JobFailed = "JobFailed";

    /// <summary>All of them.</summary>
    public static IReadOnlyCollection<string> NonRetryable { get; } = [BadInput, TooManyBadRows, NothingLeft, Tampered, EndpointUnusable, BudgetSpent, TrainingFailed, JobFailed];
}

/// <summary>Named options for each kind of work.</summary>
public static class ActivityDefaults
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(5);

    // Short: a killed worker's activities begin again within 10 s of the kill, 5 of which the heartbeat takes, however often it is killed.
    private static readonly RetryPolicy Retries = new()
    {
        InitialInterval = TimeSpan.FromMilliseconds(200),
        BackoffCoefficient = 2,
        MaximumInterval = TimeSpan.FromSeconds(2),
        NonRetryableErrorTypes = FailureTypes.NonRetryable,
    };

    /// <summary>Options of a queue's work.</summary>
    /// <param name="queue">One of <see cref="TaskQueues"/>.</param>
    public static ActivityOptions On(string queue) => queue switch { TaskQueues.Gpu => Gpu, TaskQueues.Api => Api, _ => Cpu };

    /// <summary>Files and appends.</summary>
    public static ActivityOptions Cpu => new()
    {
        TaskQueue = TaskQueues.Cpu,
        StartToCloseTimeout = TimeSpan.FromHours(12),
        HeartbeatTimeout = Heartbeat,
        RetryPolicy = Retries,
    };

    /// <summary>Local models. Their work is long; a lost worker shows in its heartbeats.</summary>
    public static ActivityOptions Gpu => new()
    {
        TaskQueue = TaskQueues.Gpu,
        StartToCloseTimeout = TimeSpan.FromDays(14),
        HeartbeatTimeout = Heartbeat,
        RetryPolicy = Retries,
    };

    /// <summary>Calls to endpoints: long, waiting more than working.</summary>
    public static ActivityOptions Api => new()
    {
        TaskQueue = TaskQueues.Api,
        StartToCloseTimeout = TimeSpan.FromDays(14),
        HeartbeatTimeout = Heartbeat,
        RetryPolicy = Retries,
    };
}
