using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Endpoints;

/// <summary>The table <c>xi_run_settings</c>: the newest settings of each run that calls endpoints. Every start writes them, every shard reads them.</summary>
public sealed class RunSettingsTable(NpgsqlDataSource database)
{
    private const string Table = $"{StoreConfiguration.Schema}.xi_run_settings";

    /// <summary>Creates this table and the others that hold no history when they are missing; one process at a time.</summary>
    public async Task CreateTablesAsync(CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            create table if not exists {Table} (run text primary key, settings jsonb not null);
            {RateLimits.Tables}
            {EndpointTroubles.Tables}
            {BudgetBook.Tables}
            {WorkerRegister.Tables}
            """);
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Writes the settings of a run, or of a job.</summary>
    public async Task WriteAsync<T>(string run, T settings, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"insert into {Table} (run, settings) values ($1, $2) on conflict (run) do update set settings = excluded.settings");
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(settings, EventJson.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A run's settings.</summary>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">It has none: <see cref="BadInput"/>.</exception>
    public async Task<RunSettings> ReadAsync(string run, CancellationToken ct) => await FindAsync(run, ct)
        ?? throw BadInput.Failure($"Run {run} has no settings of its endpoints. Start it with 'xinstruct run <recipe>', which writes them.");

    /// <summary>A run's settings; null for a run that calls no endpoint.</summary>
    public Task<RunSettings?> FindAsync(string run, CancellationToken ct) => FindAsync<RunSettings>(run, ct);

    /// <summary>The settings of a run, or of a job; null when it calls no endpoint.</summary>
    public async Task<T?> FindAsync<T>(string run, CancellationToken ct)
        where T : class
    {
        await using var command = database.CreateCommand($"select settings::text from {Table} where run = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        return await command.ExecuteScalarAsync(ct) is string json ? JsonSerializer.Deserialize<T>(json, EventJson.Options) : null;
    }
}
