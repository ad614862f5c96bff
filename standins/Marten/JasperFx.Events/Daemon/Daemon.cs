using JasperFx.Events.Projections;

namespace JasperFx.Events.Daemon;

/// <summary>Where asynchronous projections run: nowhere, in every process, or in one process at a time.</summary>
public enum DaemonMode
{
    Disabled,
    Solo,
    HotCold,
    ExternallyManaged,
}

/// <summary>State of a shard's agent.</summary>
public enum AgentStatus
{
    Running,
    Stopped,
    Paused,
}

/// <summary>What a running projection skips.</summary>
public class ErrorHandlingOptions
{
    public bool SkipApplyErrors { get; set; }

    public bool SkipUnknownEvents { get; set; }

    public bool SkipSerializationErrors { get; set; }
}

/// <summary>Timing of the daemon.</summary>
public class DaemonSettings
{
    /// <summary>Advisory lock of the hot process; shards of one database share it.</summary>
    public int DaemonLockId { get; set; } = 4444;

    /// <summary>Milliseconds between a cold process's tries to become hot.</summary>
    public int LeadershipPollingTime { get; set; } = 5000;

    public TimeSpan SlowPollingTime { get; set; } = TimeSpan.FromSeconds(1);

    public TimeSpan FastPollingTime { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a shard rests after an error.</summary>
    public TimeSpan AgentPauseTime { get; set; } = TimeSpan.FromSeconds(1);

    public DaemonMode AsyncMode { get; set; } = DaemonMode.Disabled;
}

/// <summary>An event could not be applied to a projection.</summary>
public class ApplyEventException : Exception
{
    public ApplyEventException(IEvent @event, Exception innerException)
        : base($"Event #{@event.Sequence} ({@event.EventTypeName}, {@event.Id}) could not be applied: {innerException.Message}", innerException) => Event = @event;

    public IEvent Event { get; }
}

/// <summary>Somebody else moved a shard's progress.</summary>
public class ProgressionProgressOutOfOrderException : Exception
{
    public ProgressionProgressOutOfOrderException(ShardName progressionOrShardName)
        : base($"The progress of {progressionOrShardName.Identity} is not where this daemon left it; another one runs it too.")
    {
    }
}

/// <summary>Runs asynchronous projections and rebuilds any.</summary>
public interface IProjectionDaemon : IDisposable
{
    bool IsRunning { get; }

    Task RebuildProjectionAsync(string projectionName, CancellationToken token);

    Task RebuildProjectionAsync<TView>(CancellationToken token);

    Task RebuildProjectionAsync(Type projectionType, CancellationToken token);

    Task RebuildProjectionAsync(Type projectionType, TimeSpan shardTimeout, CancellationToken token);

    Task RebuildProjectionAsync(string projectionName, TimeSpan shardTimeout, CancellationToken token);

    Task RebuildProjectionAsync<TView>(TimeSpan shardTimeout, CancellationToken token);

    Task StartAgentAsync(string shardName, CancellationToken token);

    Task StopAgentAsync(string shardName, Exception? ex = null);

    Task StartAllAsync();

    /// <summary>Runs every shard up to the present high-water mark and stops.</summary>
    Task CatchUpAsync(CancellationToken cancellation);

    Task CatchUpAsync(TimeSpan timeout, CancellationToken cancellation);

    Task StopAllAsync();

    Task WaitForNonStaleData(TimeSpan timeout);

    long HighWaterMark();

    AgentStatus StatusFor(string shardName);

    bool HasAnyPaused();
}
