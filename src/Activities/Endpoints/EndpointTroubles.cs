using Npgsql;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Endpoints;

/// <summary>What keeps calls to an endpoint from their replies, over all workers.</summary>
/// <param name="Since">When it began, by PostgreSQL's clock.</param>
/// <param name="Until">Until when the endpoint asked to be left alone; null when nobody is there.</param>
/// <param name="Cause">What was said last.</param>
public sealed record EndpointTrouble(DateTimeOffset Since, DateTimeOffset? Until, string Cause);

/// <summary>
/// The table <c>xi_endpoint_troubles</c>: endpoints that cannot be asked just now, so that others than the worker that found it out can say so.
/// A row goes with the next reply; one that nobody renewed for ten minutes says nothing.
/// </summary>
public sealed class EndpointTroubles(NpgsqlDataSource database)
{
    internal const string Tables = $"""
        create table if not exists {Table} (
            base_url text not null, model text not null, since timestamptz not null, until timestamptz null, cause text not null, seen_at timestamptz not null,
            primary key (base_url, model));
        """;

    private const string Table = $"{StoreConfiguration.Schema}.xi_endpoint_troubles";

    /// <summary>An endpoint gave no reply.</summary>
    /// <param name="endpoint">Which.</param>
    /// <param name="pause">How long it asks to be left alone; null when nobody is there.</param>
    /// <param name="cause">What it said, or what is wrong with the way there.</param>
    /// <param name="ct">Cancellation.</param>
    public Task ReportAsync(EndpointSettings endpoint, TimeSpan? pause, string cause, CancellationToken ct) => ExecuteAsync(
        $"""
        insert into {Table} as t (base_url, model, since, until, cause, seen_at) values ($1, $2, now(), now() + $3::interval, $4, now())
        on conflict (base_url, model) do update set until = excluded.until, cause = excluded.cause, seen_at = excluded.seen_at,
            since = case when t.seen_at > now() - interval '10 minutes' then t.since else excluded.since end
        """,
        ct, endpoint.BaseUrl.ToString(), endpoint.Model, (object?)pause ?? DBNull.Value, cause);

    /// <summary>It replied.</summary>
    public Task ClearAsync(EndpointSettings endpoint, CancellationToken ct) =>
        ExecuteAsync($"delete from {Table} where base_url = $1 and model = $2", ct, endpoint.BaseUrl.ToString(), endpoint.Model);

    /// <summary>What keeps an endpoint from answering; null when nothing is known.</summary>
    public async Task<EndpointTrouble?> FindAsync(EndpointSettings endpoint, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            $"select since, until, cause from {Table} where base_url = $1 and model = $2 and seen_at > now() - interval '10 minutes' and (until is null or until > now())");
        command.Parameters.Add(new NpgsqlParameter { Value = endpoint.BaseUrl.ToString() });
        command.Parameters.Add(new NpgsqlParameter { Value = endpoint.Model });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new EndpointTrouble(reader.GetFieldValue<DateTimeOffset>(0), await reader.IsDBNullAsync(1, ct) ? null : reader.GetFieldValue<DateTimeOffset>(1), reader.GetString(2))
            : null;
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct, params object[] values)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        await command.ExecuteNonQueryAsync(ct);
    }
}
