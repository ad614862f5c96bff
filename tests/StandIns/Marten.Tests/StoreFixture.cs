using JasperFx;
using JasperFx.Events.Projections;
using Npgsql;
using Weasel.Core;

[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Marten.Tests;

/// <summary>A database of its own for the run of these tests, on the server of XINSTRUCT_TEST_POSTGRES.</summary>
internal static class Database
{
    private static readonly Lazy<string> Created = new(Create);

    public static string ConnectionString => Created.Value;

    private static string Server => Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES") ??
        throw new InvalidOperationException("Set XINSTRUCT_TEST_POSTGRES to the Npgsql connection string of a scratch PostgreSQL server.");

    private static string Create()
    {
        var name = $"xi_marten_{Guid.NewGuid():N}";
        Administer($"create database {name}");
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            NpgsqlConnection.ClearAllPools();
            Administer($"drop database if exists {name} with (force)");
        };
        return new NpgsqlConnectionStringBuilder(Server) { Database = name, MaxPoolSize = 30 }.ConnectionString;
    }

    private static void Administer(string sql)
    {
        using var connection = new NpgsqlConnection(Server);
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }
}

/// <summary>Stores in a schema of their own, for each test.</summary>
public abstract class StoreTest : IAsyncLifetime
{
    private readonly List<DocumentStore> _stores = [];

    protected string Schema { get; } = $"s{Guid.NewGuid():N}"[..20];

    protected NpgsqlDataSource Sql { get; } = NpgsqlDataSource.Create(Database.ConnectionString);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var store in _stores) await store.DisposeAsync();
        await ExecuteAsync($"drop schema if exists {Schema} cascade");
        await Sql.DisposeAsync();
    }

    /// <summary>A store with the inline projection of accounts.</summary>
    protected DocumentStore Inline(Action<StoreOptions>? configure = null) => Open(options =>
    {
        options.Projections.Add(new AccountProjection(), ProjectionLifecycle.Inline);
        configure?.Invoke(options);
    });

    protected DocumentStore Open(Action<StoreOptions>? configure = null)
    {
        var store = DocumentStore.For(options =>
        {
            options.Connection(Database.ConnectionString);
            options.DatabaseSchemaName = Schema;
            options.AutoCreateSchemaObjects = AutoCreate.All;
            options.UseSystemTextJsonForSerialization(Json.Options, EnumStorage.AsString, Casing.CamelCase);
            options.Events.MetadataConfig.HeadersEnabled = true;
            configure?.Invoke(options);
        });
        _stores.Add(store);
        return store;
    }

    protected async Task ExecuteAsync(string sql)
    {
        await using var command = Sql.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    protected async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Sql.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
