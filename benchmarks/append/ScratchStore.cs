using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using XInstruct.Activities;

namespace XInstruct.Benchmarks;

/// <summary>The product's services over an event store of their own, which goes when they do.</summary>
internal sealed class ScratchStore : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name;
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-bench-").FullName;

    private ScratchStore(string server, string name)
    {
        (_server, _name) = (server, name);
        Connection = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
        Services = new ServiceCollection().AddXInstructActivities(Connection, _folder).BuildServiceProvider();
    }

    public string Connection { get; }

    public ServiceProvider Services { get; }

    /// <summary>Creates a database on the server that XINSTRUCT_POSTGRES names.</summary>
    public static async Task<ScratchStore> CreateAsync()
    {
        var server = Environment.GetEnvironmentVariable("XINSTRUCT_POSTGRES")
            ?? throw new InvalidOperationException("Name a PostgreSQL server: export XINSTRUCT_POSTGRES=\"$(eng/postgres start)\"");
        var store = new ScratchStore(server, $"xi_bench_{Guid.NewGuid():n}");
        await store.ExecuteAsync($"create database {store._name}");
        await store.Services.PrepareStoreAsync(CancellationToken.None);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        await Services.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync($"drop database {_name} with (force)");
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_server);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
