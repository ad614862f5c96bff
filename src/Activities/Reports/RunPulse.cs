using Npgsql;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Reports;

/// <summary>What a run's workers and endpoints do at a moment.</summary>
/// <param name="Budget">Money; null for a run that calls no endpoint.</param>
/// <param name="Endpoints">How each role's endpoint is paced.</param>
/// <param name="Workers">Who wrote events of late.</param>
public sealed record RunPulse(BudgetState? Budget, IReadOnlyList<EndpointPulse> Endpoints, IReadOnlyList<WorkerPulse> Workers)
{
    /// <summary>Before anything is known.</summary>
    public static RunPulse None { get; } = new(null, [], []);
}

/// <summary>How calls to an endpoint are paced, over all workers.</summary>
/// <param name="Role">generator or evaluator.</param>
/// <param name="Model">Name of the model there.</param>
/// <param name="Rate">What holds calls back; null when none was made under the key that this process has.</param>
public sealed record EndpointPulse(string Role, string Model, RateState? Rate);

/// <summary>A worker's part.</summary>
/// <param name="Worker">Process id and host name.</param>
/// <param name="Rate">Events a second over the last minute.</param>
/// <param name="Quiet">Since its last event, by PostgreSQL's clock.</param>
public sealed record WorkerPulse(string Worker, double Rate, TimeSpan Quiet);

/// <summary>Reads pulses: cheap enough for every second of a long run, whatever its size.</summary>
public sealed class RunPulseReader(NpgsqlDataSource database, BudgetBook budget, RateLimits rates, RunSettingsTable settings)
{
    // What is read of the log: its last events, and of them those of the last ten minutes.
    private const int Events = 10_000;

    /// <summary>One pulse.</summary>
    public async Task<RunPulse> ReadAsync(string run, CancellationToken ct)
    {
        var workers = await WorkersAsync(run, ct);
        if (await settings.FindAsync(run, ct) is not { } all) return RunPulse.None with { Workers = workers };
        var endpoints = new List<EndpointPulse>();
        foreach (var (role, endpoint) in new[] { ("generator", all.Generator), ("evaluator", all.Evaluator) })
        {
            if (endpoint is not null) endpoints.Add(new EndpointPulse(role, endpoint.Model, await rates.StateAsync(RateLimits.Name(endpoint), ct)));
        }

        return new RunPulse(await budget.StateAsync(run, ct), endpoints, workers);
    }

    private async Task<List<WorkerPulse>> WorkersAsync(string run, CancellationToken ct)
    {
        const string log = $"{StoreConfiguration.Schema}.mt_events";
        await using var command = database.CreateCommand($"""
            with recent as (select headers, now() - timestamp as age from {log} where seq_id > (select max(seq_id) from {log}) - {Events}),
            span as (select least(greatest(extract(epoch from max(age)), 1), 60)::float8 as seconds from recent)
            select headers ->> '{EventHeaders.Worker}', count(*) filter (where age < interval '1 minute') / (select seconds from span),
                extract(epoch from greatest(min(age), interval '0'))::float8
            from recent where headers ->> '{EventHeaders.Run}' = $1 and headers ? '{EventHeaders.Worker}' and age < interval '10 minutes' group by 1 order by 1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        var workers = new List<WorkerPulse>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) workers.Add(new WorkerPulse(reader.GetString(0), reader.GetDouble(1), TimeSpan.FromSeconds(reader.GetDouble(2))));
        return workers;
    }
}
