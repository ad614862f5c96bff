using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Serilog;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Common.EnvConfig;
using Temporalio.Exceptions;
using Temporalio.Testing;
using Temporalio.Worker;
using XInstruct.Activities;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Monitoring;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Serving;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Commands;
using XInstruct.Cli.Display;
using XInstruct.Workflows;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Hosting;

/// <summary>What a command is pointed at: options first, then the environment that the launcher sets, then defaults.</summary>
/// <param name="Postgres">Npgsql connection string of the event store.</param>
/// <param name="Temporal">host:port of a Temporal cluster; null for the embedded engine.</param>
/// <param name="Profile">Name of a Temporal client profile; null for none, or the one that TEMPORAL_PROFILE names.</param>
/// <param name="Namespace">Temporal namespace; null for the profile's, or default.</param>
/// <param name="Home">Directory that all workers share; logs lie there too.</param>
/// <param name="Verbose">Log to the console as well.</param>
public sealed record DeploymentOptions(string? Postgres, string? Temporal, string? Profile, string? Namespace, string Home, bool Verbose)
{
    /// <summary>Whether a Temporal cluster is used and not the embedded engine.</summary>
    public bool IsCluster => Temporal is not null || Profile is not null;
}

/// <summary>Something that a command needs is not there. Exit code 3.</summary>
public sealed class MissingComponentException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>An open event store, a Temporal client, and workers on demand, in this process.</summary>
public sealed class Deployment : IAsyncDisposable
{
    /// <summary>Name of all workers together, for worker versioning.</summary>
    public const string DeploymentName = "xinstruct";

    // One lost answer is no reason to say that nobody answers.
    private const int StartTries = 3;

    private readonly ServiceProvider _services;
    private readonly WorkflowEnvironment? _environment;
    private readonly ILoggerFactory _loggers;

    private Deployment(ServiceProvider services, ITemporalClient client, WorkflowEnvironment? environment, ILoggerFactory loggers) =>
        (_services, Client, _environment, _loggers) = (services, client, environment, loggers);

    /// <summary>Client of the workflow engine.</summary>
    public ITemporalClient Client { get; }

    /// <summary>A registered service.</summary>
    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Something to watch a run with.</summary>
    internal RunWatcher Watcher(string run) => new(Client, Get<RunPulseReader>(), run, TimeProvider.System);

    /// <summary>Connects to everything and creates what the store lacks.</summary>
    /// <param name="options">Where they are.</param>
    /// <param name="ct">Cancellation.</param>
    /// <param name="replace">Registers other services in place of the product's.</param>
    /// <exception cref="MissingComponentException">PostgreSQL or Temporal is not there.</exception>
    public static async Task<Deployment> OpenAsync(DeploymentOptions options, CancellationToken ct, Action<IServiceCollection>? replace = null)
    {
        var loggers = Logging.Create(options);
        var postgres = options.Postgres ?? throw new MissingComponentException(
            "No PostgreSQL is named. Start xinstruct by its launcher './xinstruct', which runs a private one, or give --postgres 'Host=…;Database=…' or XINSTRUCT_POSTGRES.");
        Directory.CreateDirectory(options.Home);
        var registered = new ServiceCollection().AddXInstructActivities(postgres, options.Home);
        replace?.Invoke(registered);
        var services = registered.BuildServiceProvider();
        try
        {
            await Outage.OutlastAsync(() => services.PrepareStoreAsync(ct), ct, StartTries);
        }
        catch (NpgsqlException e)
        {
            await services.DisposeAsync();
            throw new MissingComponentException($"PostgreSQL does not answer: {e.Message} 'xinstruct doctor' looks closer.", e);
        }
        catch (ArgumentException e)
        {
            await services.DisposeAsync();
            throw new UsageException($"The PostgreSQL connection string is wrong: {e.Message} It looks like 'Host=…;Username=…;Database=…'.");
        }

        try
        {
            var (client, environment) = await ConnectAsync(options, loggers);
            return new Deployment(services, client, environment, loggers);
        }
        catch (Exception e)
        {
            await services.DisposeAsync();
            if (e is not (InvalidOperationException or RpcException or NpgsqlException)) throw;
            throw new MissingComponentException($"Temporal does not answer: {e.Message} 'xinstruct doctor' looks closer.", e);
        }
    }

    private static async Task<(ITemporalClient Client, WorkflowEnvironment? Environment)> ConnectAsync(DeploymentOptions options, ILoggerFactory loggers)
    {
        if (!options.IsCluster)
        {
            var environment = await WorkflowEnvironment.StartLocalAsync(new()
            {
                Namespace = options.Namespace ?? "default",
                LoggerFactory = loggers,
                DevServerOptions = new() { DatabaseFilename = Path.Combine(options.Home, "temporal.db") },
            });
            return (environment.Client, environment);
        }

        var connection = Connection(options);
        connection.LoggerFactory = loggers;
        return (await TemporalClient.ConnectAsync(connection), null);
    }

    /// <summary>An address as it is given, or a profile with its TLS and key.</summary>
    /// <exception cref="MissingComponentException">There is no such profile, or it has no address.</exception>
    private static TemporalClientConnectOptions Connection(DeploymentOptions options)
    {
        var connection = new TemporalClientConnectOptions();
        if (options.Temporal is null)
        {
            try
            {
                connection = ClientEnvConfig.LoadClientConnectOptions(new ClientEnvConfig.ProfileLoadOptions { Profile = options.Profile });
            }
            catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
            {
                throw new MissingComponentException($"The Temporal profile cannot be read: {e.Message} docs/cluster.md shows such a file.", e);
            }
        }

        connection.TargetHost = options.Temporal ?? connection.TargetHost
            ?? throw new MissingComponentException("The Temporal profile has no address. Give it one, or TEMPORAL_ADDRESS, or --temporal host:port.");
        connection.Namespace = options.Namespace ?? connection.Namespace;
        return connection;
    }

    /// <summary>Runs workers for the given queues until cancelled, then lets activities in flight end.</summary>
    /// <param name="queues">Task queues.</param>
    /// <param name="drain">How long activities may go on after that; then they are cancelled, and another worker begins them again.</param>
    /// <param name="build">Build id by which the cluster keeps runs on the version that began them; null for none.</param>
    /// <param name="ct">Stops taking work.</param>
    public async Task RunWorkersAsync(IReadOnlyCollection<string> queues, TimeSpan drain, string? build, CancellationToken ct)
    {
        var workers = queues.Select(queue => Worker(queue, drain, build)).ToList();
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var running = workers.Select(w => w.ExecuteAsync(stop.Token)).ToList();
            running.Add(Get<WorkerRegister>().StandAsync(queues, stop.Token));
            await Task.WhenAny(running);
            // One worker that fails takes the others along: a process that serves half of its queues helps nobody.
            await stop.CancelAsync();
            await Task.WhenAll(running);
        }
        finally
        {
            foreach (var worker in workers) worker.Dispose();
        }
    }

    /// <summary>Activities of a queue that this process does at once. Calls to endpoints wait more than they work, and their gate counts them.</summary>
    private static int Slots(string queue) => queue switch { TaskQueues.Cpu => 4, TaskQueues.Api => 16, _ => 1 };

    /// <summary>Tells those who ask how a worker for the given queues is.</summary>
    public Task<WorkerMonitor> MonitorAsync(IReadOnlyCollection<string> queues, ServingOptions options, CancellationToken ct) => WorkerMonitor.StartAsync(
        Client, Get<NpgsqlDataSource>(), Get<EndpointPool>(), Get<RateLimits>(), queues.ToDictionary(q => q, Slots, StringComparer.Ordinal), options, ct);

    private TemporalWorker Worker(string queue, TimeSpan drain, string? build)
    {
        var options = new TemporalWorkerOptions(queue)
        {
            Identity = WorkerIdentity.Current,
            LoggerFactory = _loggers,
            GracefulShutdownTimeout = drain,
            MaxConcurrentActivities = Slots(queue),
            Interceptors = [new ActivityInstruments()],
        };
        if (build is not null)
        {
            options.DeploymentOptions = new WorkerDeploymentOptions(new WorkerDeploymentVersion(DeploymentName, build), useWorkerVersioning: true)
            {
                DefaultVersioningBehavior = VersioningBehavior.Pinned,
            };
        }

        if (queue == TaskQueues.Cpu)
        {
            options.AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>().AddWorkflow<TrainingWorkflow>().AddWorkflow<JobWorkflow>().AddWorkflow<ChainWorkflow>();
            foreach (var activities in _services.CpuActivities()) options.AddAllActivities(activities.GetType(), activities);
        }
        else
        {
            foreach (var activities in queue == TaskQueues.Gpu ? _services.GpuActivities() : _services.ApiActivities()) options.AddAllActivities(activities.GetType(), activities);
        }

        return new TemporalWorker(Client, options);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_environment is not null) await _environment.DisposeAsync();
        await _services.DisposeAsync();
        _loggers.Dispose();
        try
        {
            await Log.CloseAndFlushAsync();
        }
        catch (IOException)
        {
            // The disk is full; whatever led here has been said.
        }
    }
}
