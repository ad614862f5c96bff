using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using XInstruct.Activities.Storage;

namespace XInstruct.Activities.Endpoints;

/// <summary>How calls under one key and model are paced.</summary>
/// <param name="RequestsPerMinute">Pace learnt from 429s; null when none came of late.</param>
/// <param name="Pause">How long all calls still wait, as the endpoint asked.</param>
/// <param name="Queue">How long a new call would wait for its turn.</param>
public sealed record RateState(double? RequestsPerMinute, TimeSpan Pause, TimeSpan Queue);

/// <summary>
/// Requests and tokens a minute under one key and model, of all workers together (virtual scheduling, ITU-T I.371: each call takes the next free
/// moment of each limit and waits for it). What the recipe does not say is learnt from the 429s: after two pauses calls are paced by what went through
/// between them; at the next 429 the pace falls by a tenth, comes back nearly to where that was, stays there a while and then looks for more (as CUBIC
/// does, RFC 9438). The table <c>xi_rates</c> knows a key by a hash.
/// </summary>
public sealed class RateLimits(NpgsqlDataSource database)
{
    internal const string Tables = $"""
        create table if not exists {StoreConfiguration.Schema}.xi_rates (
            key text primary key, requests_at timestamptz not null, tokens_at timestamptz not null, paused_until timestamptz not null default '-infinity',
            peak float8 null, curve_from timestamptz not null default '-infinity', reacted_at timestamptz not null default '-infinity',
            counted bigint not null default 0, counted_from timestamptz not null default '-infinity');
        """;

    private const string Table = $"{StoreConfiguration.Schema}.xi_rates";

    // Seconds since the pace was last lowered; nothing is known any more after five minutes without a 429.
    private const string Age = "extract(epoch from clock_timestamp() - greatest(r.curve_from, clock_timestamp() - interval '301 seconds'))::float8";

    // Requests a second.
    private const string Pace = $"""
        (r.peak * case when {Age} < 3 then 0.9 + 0.05 / 3 * {Age} when {Age} < 23 then 0.95 + 0.005 * ({Age} - 3) else 1.05 * exp(0.05 * ({Age} - 23)) end)
        """;

    /// <summary>Pause after a 429 that names none.</summary>
    private static readonly TimeSpan UsualPause = TimeSpan.FromSeconds(1);

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
            insert into {Table} as r (key, requests_at, tokens_at) values ($1, clock_timestamp(), clock_timestamp() + $3)
            on conflict (key) do update set
                requests_at = greatest(
                    r.requests_at + greatest($2, case when r.peak is null or {Age} > 300 then interval '0' else make_interval(secs => 1 / {Pace}) end),
                    clock_timestamp(), r.paused_until),
                tokens_at = greatest(r.tokens_at, clock_timestamp(), r.paused_until) + $3,
                counted = r.counted + 1
            returning greatest(extract(epoch from greatest(requests_at, tokens_at - $3) - clock_timestamp())::float8, 0)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(1, settings.RequestsPerMinute), NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(tokens, settings.TokensPerMinute), NpgsqlDbType = NpgsqlDbType.Interval });
        return TimeSpan.FromSeconds((double)(await command.ExecuteScalarAsync(ct))!);
    }

    /// <summary>Puts right what a call was thought to take.</summary>
    public async Task CorrectAsync(string name, EndpointSettings settings, long thought, long taken, CancellationToken ct)
    {
        if (settings.TokensPerMinute == 0 || thought == taken) return;
        await using var command = database.CreateCommand($"update {Table} set tokens_at = tokens_at + $2 where key = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = Interval(taken - thought, settings.TokensPerMinute), NpgsqlDbType = NpgsqlDbType.Interval });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A call came too early. One that began before the last time this was heeded says nothing new.</summary>
    /// <param name="name">Name of the key and model.</param>
    /// <param name="lasted">How long ago the call began.</param>
    /// <param name="retryAfter">What the endpoint asks for.</param>
    /// <param name="ct">Cancellation.</param>
    public async Task LowerAsync(string name, TimeSpan lasted, TimeSpan? retryAfter, CancellationToken ct)
    {
        const string isNew = "(clock_timestamp() - $2 > r.reacted_at)";
        // While the pace is not known, or was just lowered, or the pause is long, everybody waits; else the one row does.
        await using var command = database.CreateCommand($"""
            update {Table} r set
                counted = case when not {isNew} then r.counted when r.peak is null then 0 else r.counted - 1 end,
                counted_from = case when {isNew} and r.peak is null then clock_timestamp() else r.counted_from end,
                peak = case
                    when not {isNew} then r.peak
                    when r.peak is not null and {Age} <= 300 then {Pace}
                    when r.counted > 1 and r.counted_from > clock_timestamp() - interval '2 minutes'
                        then (r.counted - 1) / greatest(extract(epoch from clock_timestamp() - r.counted_from)::float8, 0.1)
                    else null end,
                curve_from = case when not {isNew} then r.curve_from when r.peak is null then clock_timestamp() - interval '23 seconds' else clock_timestamp() end,
                reacted_at = case when {isNew} then clock_timestamp() else r.reacted_at end,
                paused_until = case
                    when r.peak is null or $3 > interval '2 seconds' or ({isNew} and r.reacted_at > clock_timestamp() - interval '2 seconds')
                    then greatest(r.paused_until, clock_timestamp() + $3) else r.paused_until end
            where r.key = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        command.Parameters.Add(new NpgsqlParameter { Value = lasted, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new NpgsqlParameter { Value = retryAfter ?? UsualPause, NpgsqlDbType = NpgsqlDbType.Interval });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>What holds calls back just now; null when none was made yet.</summary>
    public async Task<RateState?> StateAsync(string name, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select case when r.peak is null or {Age} > 300 then null else 60 * {Pace} end,
                extract(epoch from greatest(r.paused_until, now()) - now())::float8,
                extract(epoch from greatest(r.requests_at, r.tokens_at, r.paused_until, now()) - now())::float8
            from {Table} r where r.key = $1
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = name });
        await using var reader = await command.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct)) return null;
        return new RateState(await reader.IsDBNullAsync(0, ct) ? null : reader.GetDouble(0), TimeSpan.FromSeconds(reader.GetDouble(1)), TimeSpan.FromSeconds(reader.GetDouble(2)));
    }

    private static TimeSpan Interval(long count, int perMinute) => perMinute == 0 ? TimeSpan.Zero : TimeSpan.FromMinutes((double)count / perMinute);
}
