using System.Diagnostics;
using Npgsql;

namespace XInstruct.Benchmarks.Engine;

/// <summary>A database of its own on the server that XINSTRUCT_POSTGRES names, and what that server says of itself.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly NpgsqlDataSource _administration;
    private readonly NpgsqlDataSource _database;
    private readonly string _name = $"xi_bench_{Guid.NewGuid():n}";

    private Server(string server)
    {
        Connection = new NpgsqlConnectionStringBuilder(server) { Database = _name }.ConnectionString;
        (_administration, _database) = (NpgsqlDataSource.Create(server), NpgsqlDataSource.Create(Connection));
    }

    public string Connection { get; }

    public static async Task<Server> CreateAsync()
    {
        var server = new Server(Environment.GetEnvironmentVariable("XINSTRUCT_POSTGRES")
            ?? throw new InvalidOperationException("Name a PostgreSQL server: export XINSTRUCT_POSTGRES=\"$(eng/postgres start)\""));
        await using var create = server._administration.CreateCommand($"create database {server._name}");
        await create.ExecuteNonQueryAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await using (var drop = _administration.CreateCommand($"drop database {_name} with (force)")) await drop.ExecuteNonQueryAsync();
        await _administration.DisposeAsync();
    }

    /// <summary>Transactions of one inserted row each, a second.</summary>
    public async Task<double> CommitsAsync(int connections, TimeSpan time)
    {
        await using (var create = _database.CreateCommand("create table if not exists rows (id bigserial primary key, data text)")) await create.ExecuteNonQueryAsync();
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            await using var connection = await _database.OpenConnectionAsync();
            await using var insert = new NpgsqlCommand("insert into rows (data) values ($1)", connection);
            insert.Parameters.Add(new() { Value = new string('x', 100) });
            await insert.PrepareAsync();
            var count = 0;
            for (; clock.Elapsed < time; count++) await insert.ExecuteNonQueryAsync();
            return count;
        })));
        return counts.Sum() / clock.Elapsed.TotalSeconds;
    }

    public async Task<string> DurabilityAsync()
    {
        await using var command = _database.CreateCommand("select 'fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit')");
        return (string)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>What the server has done until now; its processes report once a second.</summary>
    public async Task<Work> WorkAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        await using var command = _database.CreateCommand(
            "select xact_commit + xact_rollback, wal_sync, wal_bytes::float8 from pg_stat_database, pg_stat_wal where datname = current_database()");
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetDouble(2));
    }

    internal readonly record struct Work(double Transactions, double Syncs, double Bytes)
    {
        public static Work operator -(Work a, Work b) => new(a.Transactions - b.Transactions, a.Syncs - b.Syncs, a.Bytes - b.Bytes);
    }
}
