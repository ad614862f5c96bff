using System.Text.Json;
using Npgsql;
using Temporalio.Client;
using Temporalio.Testing;
using Temporalio.Worker;
using XInstruct.Cli.Chaos;

[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Temporalio.Tests;

/// <summary>
/// One local environment for all classes of the collection. The stand-in needs a database, in TEMPORAL_STANDIN_DATABASE: a fresh one on
/// the server of XINSTRUCT_TEST_POSTGRES. The package starts its own server and does not look at that.
/// </summary>
public sealed class EnvironmentFixture : IAsyncLifetime
{
    private static readonly string Name = $"xi_temporal_{Guid.NewGuid():N}";

    public WorkflowEnvironment Environment { get; private set; } = null!;

    public ITemporalClient Client => Environment.Client;

    public static string Server => System.Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES") ??
        throw new InvalidOperationException("Set XINSTRUCT_TEST_POSTGRES to the Npgsql connection string of a scratch PostgreSQL server.");

    public async Task InitializeAsync()
    {
        await AdministerAsync($"CREATE DATABASE {Name}");
        System.Environment.SetEnvironmentVariable(
            "TEMPORAL_STANDIN_DATABASE", new NpgsqlConnectionStringBuilder(Server) { Database = Name }.ConnectionString);
        Environment = await WorkflowEnvironment.StartLocalAsync(new()
        {
            SearchAttributes = [SearchWorkflow.Language, SearchWorkflow.Rows, SearchWorkflow.Tags, SearchWorkflow.Note],
        });
    }

    public async Task DisposeAsync()
    {
        await Environment.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await AdministerAsync($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
    }

    /// <summary>Cuts all connections to the database, as its restart would. The package's own server does not notice.</summary>
    public static Task DropConnectionsAsync() =>
        AdministerAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{Name}'");

    /// <summary>Another local environment, which reaches its database through a relay that may lose answers. The package's own server does not notice.</summary>
    internal static async Task<WorkflowEnvironment> StartLosingAsync(PostgresRelay relay)
    {
        const string Variable = "TEMPORAL_STANDIN_DATABASE";
        var own = System.Environment.GetEnvironmentVariable(Variable);
        System.Environment.SetEnvironmentVariable(Variable, relay.Through(Server, Name));
        try
        {
            return await WorkflowEnvironment.StartLocalAsync();
        }
        finally
        {
            System.Environment.SetEnvironmentVariable(Variable, own);
        }
    }

    /// <summary>Takes the queries that wait as a worker does that loses the database's answer; false when there are none. The package's own server does not notice.</summary>
    public static async Task<bool> TakeQueriesAsync()
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Server) { Database = Name }.ConnectionString);
        await connection.OpenAsync();
        await using var find = new NpgsqlCommand("SELECT table_schema FROM information_schema.tables WHERE table_name = 'queries'", connection);
        if (await find.ExecuteScalarAsync() is not string schema)
        {
            return true;
        }
        await using var take = new NpgsqlCommand($"UPDATE {schema}.queries SET state = 1, owner = 0 WHERE state = 0", connection);
        return await take.ExecuteNonQueryAsync() > 0;
    }

    private static async Task AdministerAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

[CollectionDefinition(nameof(EnvironmentCollection))]
public sealed class EnvironmentCollection : ICollectionFixture<EnvironmentFixture>;

/// <summary>Short forms for tests.</summary>
[Collection(nameof(EnvironmentCollection))]
public abstract class WorkflowTest(EnvironmentFixture fixture)
{
    protected ITemporalClient Client => fixture.Client;

    protected string Queue { get; } = $"queue-{Guid.NewGuid():N}";

    protected WorkflowOptions Options(string? id = null) => new(id ?? $"workflow-{Guid.NewGuid():N}", Queue);

    protected TemporalWorkerOptions WorkerOptions(params Type[] workflows)
    {
        var options = new TemporalWorkerOptions(Queue);
        foreach (var workflow in workflows)
        {
            options.AddWorkflow(workflow);
        }
        return options;
    }

    protected async Task RunAsync(TemporalWorkerOptions options, Func<Task> test)
    {
        using var worker = new TemporalWorker(Client, options);
        await worker.ExecuteAsync(test);
    }

    /// <summary>The causes of a run's failed workflow tasks, as the service names them.</summary>
    protected static async Task<IReadOnlyList<string>> FailedTasksAsync(WorkflowHandle handle)
    {
        using var history = JsonDocument.Parse((await handle.FetchHistoryAsync()).ToJson());
        return [.. history.RootElement.GetProperty("events").EnumerateArray()
            .Where(e => e.GetProperty("eventType").GetString() == "EVENT_TYPE_WORKFLOW_TASK_FAILED")
            .Select(e => e.GetProperty("workflowTaskFailedEventAttributes").GetProperty("cause").GetString()!)];
    }

    /// <summary>Waits until something is so; fails after 20 seconds.</summary>
    protected static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 400; i++)
        {
            if (await condition())
            {
                return;
            }
            await Task.Delay(50);
        }
        throw new TimeoutException("What was waited for did not come.");
    }
}
