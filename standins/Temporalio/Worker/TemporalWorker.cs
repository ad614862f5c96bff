using Microsoft.Extensions.Logging;
using Temporalio.Client;
using Temporalio.StandIn;

namespace Temporalio.Worker;

/// <summary>Runs workflows and activities of one task queue.</summary>
public class TemporalWorker : IDisposable
{
    private static readonly TimeSpan LongestSticky = TimeSpan.FromSeconds(2);

    private readonly TemporalClient client;
    private readonly ILoggerFactory loggers;
    private readonly bool traced;
    private int started;
    private int disposed;

    public TemporalWorker(IWorkerClient client, TemporalWorkerOptions options)
    {
        Client = client;
        this.client = client as TemporalClient ?? throw new InvalidOperationException("Cannot use this client for a worker");
        Options = (TemporalWorkerOptions)options.Clone();
        loggers = options.LoggerFactory ?? client.Options.LoggerFactory;
        if (options.Activities.Count == 0 && options.Workflows.Count == 0)
        {
            throw new ArgumentException("Must have at least one workflow, activity, or Nexus service");
        }
        if (string.IsNullOrEmpty(options.TaskQueue))
        {
            throw new ArgumentException("Task queue required");
        }
        if (options.DeploymentOptions?.UseWorkerVersioning == true)
        {
            throw new NotSupportedException("The stand-in's engine has no worker versioning.");
        }
        Unique(options.Workflows.Select(w => w.Name), "workflow");
        Unique(options.Activities.Select(a => a.Name), "activity");
        if (options.Workflows.FirstOrDefault(w => !w.Instantiable) is { } abstractOne)
        {
            throw new ArgumentException($"Workflow named {abstractOne.Name} is not instantiable. Note, dependency injection is not supported in workflows.");
        }
        traced = !options.DisableWorkflowTracingEventListener && options.Workflows.Count > 0;
        if (traced)
        {
            SchedulerTracer.Acquire();
        }
    }

    ~TemporalWorker() => Dispose(false);

    public TemporalWorkerOptions Options { get; }

    public IWorkerClient Client { get; }

    public Task ExecuteAsync(CancellationToken stoppingToken) => RunAsync<ValueTuple>(null, stoppingToken);

    public Task ExecuteAsync(Func<Task> untilComplete, CancellationToken stoppingToken = default) => RunAsync<ValueTuple>(
        async () =>
        {
            await untilComplete().ConfigureAwait(false);
            return default;
        },
        stoppingToken);

    public Task<TResult> ExecuteAsync<TResult>(Func<Task<TResult>> untilComplete, CancellationToken stoppingToken = default) =>
        RunAsync(untilComplete, stoppingToken);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0 && traced)
        {
            SchedulerTracer.Release();
        }
    }

    private static void Unique(IEnumerable<string?> names, string what)
    {
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Duplicate {what} named {twice.Key}");
        }
    }

    private async Task<TResult> RunAsync<TResult>(Func<Task<TResult>>? untilComplete, CancellationToken stoppingToken)
    {
        if (Interlocked.Exchange(ref started, 1) != 0)
        {
            throw new InvalidOperationException("Already started");
        }
        ObjectDisposedException.ThrowIf(disposed != 0, this);
        var engine = client.Engine;
        var key = await engine.AddWorkerAsync(stoppingToken).ConfigureAwait(false);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, engine.Stopped);
        var identity = Options.Identity ?? client.Connection.Options.Identity ?? string.Empty;
        var work = Task.WhenAll(Workers(engine, key, identity).Select(w => Task.Run(() => w(stop.Token), CancellationToken.None)));
        var user = untilComplete?.Invoke();
        var cancelled = Task.Delay(Timeout.Infinite, stop.Token);
        await Task.WhenAny(user == null ? [work, cancelled] : [work, cancelled, user]).ConfigureAwait(false);
        var byToken = stoppingToken.IsCancellationRequested && user is not { IsCompleted: true };
        await stop.CancelAsync().ConfigureAwait(false);
        await work.ConfigureAwait(false);
        await LeaveAsync(engine, key).ConfigureAwait(false);
        if (byToken)
        {
            throw new TaskCanceledException("Worker cancelled", null, stoppingToken);
        }
        return user == null ? default! : await user.ConfigureAwait(false);
    }

    private async Task LeaveAsync(Engine engine, int key)
    {
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(engine.Stopped);
            limit.CancelAfter(TimeSpan.FromSeconds(5));
            await engine.RemoveWorkerAsync(key, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The others notice by the lock that the connection held.
            engine.Listener.Unregister(key);
            loggers.CreateLogger<TemporalWorker>().LogDebug(e, "Could not sign off");
        }
    }

    private IEnumerable<Func<CancellationToken, Task>> Workers(Engine engine, int key, string identity)
    {
        if (Options.Workflows.Count > 0)
        {
            yield return new WorkflowWorker(
                new(
                    engine,
                    client.Options.Namespace,
                    Options.TaskQueue!,
                    identity,
                    Options.Workflows.ToDictionary(w => w.Name!, StringComparer.Ordinal),
                    client.Options.DataConverter,
                    loggers,
                    Options.MaxConcurrentWorkflowTasks ?? 100,
                    Options.MaxCachedWorkflows,
                    Options.StickyQueueScheduleToStartTimeout < LongestSticky ? Options.StickyQueueScheduleToStartTimeout : LongestSticky,
                    Options.WorkflowFailureExceptionTypes,
                    Options.DebugMode),
                key).ExecuteAsync;
        }
        if (Options.Activities.Count > 0)
        {
            yield return new ActivityWorker(new(
                engine,
                client.Options.Namespace,
                Options.TaskQueue!,
                identity,
                key,
                Options.Activities.ToDictionary(a => a.Name!, StringComparer.Ordinal),
                client.Options.DataConverter,
                loggers,
                Client as ITemporalClient,
                Options.ActivityTaskFactory,
                Options.MaxConcurrentActivities ?? 100,
                Options.GracefulShutdownTimeout,
                Options.MaxHeartbeatThrottleInterval,
                Options.DefaultHeartbeatThrottleInterval,
                Interceptors.ActivityInboundInterceptor.Chain(Options.Interceptors))).ExecuteAsync;
        }
    }
}
