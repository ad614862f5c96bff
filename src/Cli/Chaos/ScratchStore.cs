using System.Collections;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Chaos;

/// <summary>A database and a home that chaos may do anything to: the user's own are never touched.</summary>
/// <param name="server">Connection string of the user's server, whose account may create databases.</param>
/// <param name="database">Name of the new database.</param>
/// <param name="home">The new home.</param>
internal sealed class ScratchStore(string server, string database, string home) : IAsyncDisposable
{
    private readonly string _server = new NpgsqlConnectionStringBuilder(server) { Pooling = false }.ConnectionString;

    private readonly string _own = new NpgsqlConnectionStringBuilder(server) { Database = database, Pooling = false }.ConnectionString;

    /// <summary>The home.</summary>
    public string Home => home;

    /// <summary>A file that is not there yet.</summary>
    public string NewFile() => Path.Combine(home, $"{Guid.NewGuid():N}.json");

    /// <summary>Makes both.</summary>
    public async Task CreateAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(home);
        try
        {
            await ExecuteAsync(_server, $"create database {database}", ct);
        }
        catch (NpgsqlException e)
        {
            throw new MissingComponentException($"PostgreSQL gives no new database: {e.Message} 'xinstruct doctor' looks closer.", e);
        }
    }

    /// <summary>Environment of a process that works here: whatever names the user's server, such as the engine's store, names this database, through the relay.</summary>
    public IEnumerable<(string Name, string Value)> Variables(PostgresRelay relay)
    {
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Value is not string value || !value.Contains("Database=", StringComparison.OrdinalIgnoreCase)) continue;
            if (relay.IsServerOf(value)) yield return ((string)variable.Key, relay.Through(value, database));
        }

        yield return ("XINSTRUCT_POSTGRES", relay.Through(server, database));
        yield return ("XINSTRUCT_HOME", home);
    }

    /// <summary>
    /// How often each event came: its type and content hash, which chains it to all before it on its stream. A run's own events stand for themselves, without
    /// the record root, which holds who, when and in which attempt.
    /// </summary>
    public Task<Dictionary<(string Type, string Content), int>> EventsAsync(string run, CancellationToken ct) => Outage.OutlastAsync(
        async () =>
        {
            var events = new Dictionary<(string, string), int>();
            await using var connection = new NpgsqlConnection(_own);
            await connection.OpenAsync(ct);
            await using var command = new NpgsqlCommand(
                $"select type, case when stream_id = $1 then (data - 'recordRoot')::text else headers ->> '{EventHeaders.Content}' end, count(*)::int from {StoreConfiguration.Schema}.mt_events group by 1, 2", connection);
            command.Parameters.Add(new NpgsqlParameter { Value = Identity.RunStream(run) });
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) events.Add((reader.GetString(0), reader.IsDBNull(1) ? "" : reader.GetString(1)), reader.GetInt32(2));
            return events;
        },
        ct);

    /// <summary>Calls that are reserved and not settled. The server may be restarting.</summary>
    public Task<IReadOnlyList<Guid>> OpenCallsAsync() => Outage.OutlastAsync<IReadOnlyList<Guid>>(
        async () =>
        {
            try
            {
                await using var connection = new NpgsqlConnection(_own);
                await connection.OpenAsync();
                await using var command = new NpgsqlCommand($"select coalesce(array_agg(id), '{{}}') from {StoreConfiguration.Schema}.xi_calls", connection);
                return (Guid[])(await command.ExecuteScalarAsync())!;
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
            {
                // Nobody has come so far.
                return [];
            }
        },
        CancellationToken.None);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Outage.OutlastAsync(() => ExecuteAsync(_server, $"drop database if exists {database} with (force)", CancellationToken.None), CancellationToken.None);
        if (Directory.Exists(home)) Directory.Delete(home, recursive: true);
    }

    private static async Task ExecuteAsync(string connectionString, string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }
}
