using System.Security.Cryptography;
using System.Text;
using Npgsql;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Endpoints;

/// <summary>
/// Requests and tokens a minute under one key and model, of all workers together (virtual scheduling, ITU-T I.371: each call takes the next free
/// moment of each limit and waits for it). The table <c>xi_rates</c> knows a key by a hash.
/// </summary>
public sealed class RateLimits(NpgsqlDataSource database)
{
    internal const string Tables = $"""
        create table if not exists {StoreConfiguration.Schema}.xi_rates (
            key text primary key, requests_at timestamptz not null, tokens_at timestamptz not null, paused_until timestamptz not null);
        """;

    private const string Table = $"{StoreConfiguration.Schema}.xi_rates";

    /// <summary>Name under which calls to an endpoint are counted.</summary>
    public static string Name(EndpointSettings settings)
    {
        var key = settings.Key is null ? "" : Environment.GetEnvironmentVariable(settings.Key)?.Trim() ?? "";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"xinstruct.rate.1\n{settings.BaseUrl}\n{settings.Model}\n{key}")))[..32];
    }

    /// <summary>Takes the next free moment for a call.</summary>
    /// <returns>How long to wait for it.</returns>
    public async Task<TimeSpan> TakeAsync(string name, EndpointSettings settings, long tokens, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            insert into {Table} as r (key, requests_at, tokens_at, paused_until)
            values ($1, clock_timestamp() + $2, clock_timestamp() + $3, '-infinity')
            on conflict (key) do update set
                requests_at = greatest(r.requests_at, clock_timestamp(), r.paused_until) + $2,
                tokens_at = greatest(r.tokens_at, clock_timestamp(), r.paused_until) + $3
            returning greatest(extract(epoch from greatest(requests_at - $2, tokens_at - $3) - clock_timestamp())::float8, 0)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(1, settings.RequestsPerMinute) });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(tokens, settings.TokensPerMinute) });
        return TimeSpan.FromSeconds((double)(await command.ExecuteScalarAsync(ct))!);
    }

    /// <summary>Puts right what a call was thought to take.</summary>
    public async Task CorrectAsync(string name, EndpointSettings settings, long thought, long taken, CancellationToken ct)
    {
        if (settings.TokensPerMinute == 0 || thought == taken) return;
        await using var command = database.CreateCommand($"update {Table} set tokens_at = tokens_at + $2 where key = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(taken - thought, settings.TokensPerMinute) });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Lets no worker call before the endpoint is ready again.</summary>
    public async Task PauseAsync(string name, TimeSpan time, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"update {Table} set paused_until = greatest(paused_until, clock_timestamp() + $2) where key = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = time });
        await command.ExecuteNonQueryAsync(ct);
    }

    private static TimeSpan Interval(long count, int perMinute) => perMinute == 0 ? TimeSpan.Zero : TimeSpan.FromMinutes((double)count / perMinute);
}
