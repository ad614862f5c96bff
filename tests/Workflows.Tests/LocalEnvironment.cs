using Npgsql;
using Temporalio.Client;
using Temporalio.Testing;
using Temporalio.Worker;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Tests;

/// <summary>
/// A local environment for all tests, which run one after the other because the task queues' names are the product's own. Its database is
/// a fresh one on the server of XINSTRUCT_TEST_POSTGRES; an environment that brings its own server does not look at that.
/// </summary>
public sealed class LocalEnvironment : IAsyncLifetime
{
    private static readonly string Name = $"xi_workflows_{Guid.NewGuid():N}";
    private WorkflowEnvironment _environment = null!;

    public ITemporalClient Client => _environment.Client;

    public async Task InitializeAsync()
    {
        await AdministerAsync($"CREATE DATABASE {Name}");
        Environment.SetEnvironmentVariable(
            "TEMPORAL_STANDIN_DATABASE", new NpgsqlConnectionStringBuilder(Server) { Database = Name }.ConnectionString);
        _environment = await WorkflowEnvironment.StartLocalAsync();
    }

    public async Task DisposeAsync()
    {
        await _environment.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await AdministerAsync($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
    }

    /// <summary>Runs <paramref name="test"/> beside workers of all kinds, as a worker process has them.</summary>
    public Task WorkAsync(ScriptedActivities activities, Func<Task> test) =>
        ActAsync(activities, () => DecideAsync(test, typeof(XInstructionWorkflow), typeof(LanguageWorkflow), typeof(TrainingWorkflow)));

    /// <summary>Only activities.</summary>
    public async Task ActAsync(ScriptedActivities activities, Func<Task> test)
    {
        using var cpu = new TemporalWorker(Client, new TemporalWorkerOptions(TaskQueues.Cpu).AddAllActivities(activities));
        using var gpu = new TemporalWorker(Client, new TemporalWorkerOptions(TaskQueues.Gpu).AddAllActivities(activities));
        using var api = new TemporalWorker(Client, new TemporalWorkerOptions(TaskQueues.Api).AddAllActivities(activities));
        await cpu.ExecuteAsync(() => gpu.ExecuteAsync(() => api.ExecuteAsync(test)));
    }

    /// <summary>Only workflows, of the types named.</summary>
    public async Task DecideAsync(Func<Task> test, params Type[] workflows)
    {
        var options = new TemporalWorkerOptions(TaskQueues.Cpu);
        foreach (var workflow in workflows) options.AddWorkflow(workflow);
        using var worker = new TemporalWorker(Client, options);
        await worker.ExecuteAsync(test);
    }

    /// <summary>Waits until something is so; fails after a minute.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 1200; i++)
        {
            if (await condition()) return;
            await Task.Delay(50);
        }

        throw new TimeoutException("What was waited for did not come.");
    }

    private static string Server => Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES") ??
        throw new InvalidOperationException("Set XINSTRUCT_TEST_POSTGRES to the Npgsql connection string of a scratch PostgreSQL server.");

    private static async Task AdministerAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

[CollectionDefinition(nameof(LocalEnvironment))]
public sealed class LocalEnvironmentCollection : ICollectionFixture<LocalEnvironment>;
