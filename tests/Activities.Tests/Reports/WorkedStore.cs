using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Testing;
using Temporalio.Workflows;
using XInstruct.Workflows;

namespace XInstruct.Activities.Tests.Reports;

/// <summary>An event store and an engine on the test server, and workflows that get stuck.</summary>
public sealed class WorkedStore : IAsyncLifetime
{
    private static readonly string Name = $"xi_worked_{Guid.NewGuid():N}";
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-worked-").FullName;
    private WorkflowEnvironment _environment = null!;

    public ServiceProvider Services { get; private set; } = null!;

    public ITemporalClient Client => _environment.Client;

    private static string Server => Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
        ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it.");

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    public async Task InitializeAsync()
    {
        await using (var server = NpgsqlDataSource.Create(Server)) await server.CreateCommand($"create database {Name}").ExecuteNonQueryAsync();
        var postgres = new NpgsqlConnectionStringBuilder(Server) { Database = Name }.ConnectionString;
        Environment.SetEnvironmentVariable("TEMPORAL_STANDIN_DATABASE", postgres);
        Services = new ServiceCollection().AddXInstructActivities(postgres, _folder).BuildServiceProvider();
        await Services.PrepareStoreAsync(default);
        _environment = await WorkflowEnvironment.StartLocalAsync();
    }

    public async Task DisposeAsync()
    {
        await _environment.DisposeAsync();
        await Services.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await using var server = NpgsqlDataSource.Create(Server);
        await server.CreateCommand($"drop database {Name} with (force)").ExecuteNonQueryAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Waits until something is so; fails after half a minute.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 600; i++)
        {
            if (await condition()) return;
            await Task.Delay(50);
        }

        throw new TimeoutException("What was waited for did not come.");
    }
}

/// <summary>Tests that share it, one after the other.</summary>
[CollectionDefinition(nameof(WorkedStore))]
public sealed class WorkedStoreCollection : ICollectionFixture<WorkedStore>;

/// <summary>Starts a child that asks for one activity.</summary>
[Workflow]
public sealed class StuckWorkflow
{
    [WorkflowRun]
    public Task RunAsync(string child, string queue) => Workflow.ExecuteChildWorkflowAsync((StuckStage w) => w.RunAsync(queue), new ChildWorkflowOptions { Id = child });
}

[Workflow]
public sealed class StuckStage
{
    [WorkflowRun]
    public Task RunAsync(string queue)
    {
        var options = ActivityDefaults.On(queue);
        return Workflow.ExecuteActivityAsync((StuckActivities a) => a.Work(), options);
    }
}

public sealed class StuckActivities
{
    public Exception? Failure { get; set; }

    [Activity]
    public void Work()
    {
        if (Failure is { } failure) throw failure;
    }

    public static ApplicationFailureException Final(string message, string type) => new(message, type, nonRetryable: true);
}
