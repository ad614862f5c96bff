using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Endpoints;

/// <summary>How calls under one key and model are paced just now.</summary>
/// <param name="RequestsPerMinute">Pace learnt from 429s; null when none came.</param>
/// <param name="Pause">How long all calls still wait, as the endpoint asked.</param>
/// <param name="Queue">How long a new call would wait for its turn.</param>
public sealed record RateState(double? RequestsPerMinute, TimeSpan Pause, TimeSpan Queue);

/// <summary>The <see cref="RatePace"/> of each key and model in the table <c>xi_paces</c>, by the clock of the database. A key is known there by a hash.</summary>
public sealed class RateLimits(NpgsqlDataSource database)
{
    internal const string Tables = $"create table if not exists {Table} (key text primary key, pace jsonb not null);";

    private const string Table = $"{StoreConfiguration.Schema}.xi_paces";

    /// <summary>Pause after a 429 that names none.</summary>
    private static readonly TimeSpan UsualPause = TimeSpan.FromSeconds(1);

    /// <summary>Time instead of the database's.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>Name under which calls to an endpoint are counted.</summary>
    public static string Name(EndpointSettings settings)
    {
        var key = settings.Key is null ? "" : Environment.GetEnvironmentVariable(settings.Key)?.Trim() ?? "";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"xinstruct.rate.1\n{settings.BaseUrl}\n{settings.Model}\n{key}")))[..32];
    }

    /// <summary>Takes the next free moment for a call.</summary>
    /// <param name="name">Name of the key and model.</param>
    /// <param name="settings">Limits.</param>
    /// <param name="tokens">Tokens that it will take, about.</param>
    /// <param name="before">The ticket that it had before.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>Leave, and how long to wait for it.</returns>
    public Task<(RateTicket Ticket, TimeSpan Wait)> TakeAsync(string name, EndpointSettings settings, long tokens, RateTicket before, CancellationToken ct) =>
        ChangeAsync(
            name,
            (pace, now) =>
            {
                var (next, ticket) = pace.Take(now, Seconds(1, settings.RequestsPerMinute), Seconds(tokens, settings.TokensPerMinute), before);
                return (next, (ticket, TimeSpan.FromSeconds(Math.Max(0, ticket.At - now))));
            },
            ct);

    /// <summary>A call whose moment came wants to begin.</summary>
    /// <returns>How long to wait before asking this again; zero to begin; null to take a new moment. And its leave with the time that it is given for its beginning.</returns>
    public Task<(TimeSpan? Wait, RateTicket Ticket)> LeaveAsync(string name, RateTicket ticket, CancellationToken ct) =>
        ChangeAsync(
            name,
            (pace, now) =>
            {
                var (next, wait) = pace.Leave(ticket, now);
                return (next, (wait is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null, wait == 0 ? ticket with { At = now } : ticket));
            },
            ct);

    /// <summary>A call that had left began only later: it counts from then on.</summary>
    public Task DelayAsync(string name, RateTicket ticket, TimeSpan late, CancellationToken ct) =>
        ChangeAsync(name, (pace, _) => (pace.Delay(ticket, late.TotalSeconds), 0), ct);

    /// <summary>Puts right what a call was thought to take.</summary>
    public async Task CorrectAsync(string name, EndpointSettings settings, long thought, long taken, CancellationToken ct)
    {
        if (settings.TokensPerMinute == 0 || thought == taken) return;
        await ChangeAsync(name, (pace, _) => (pace.Correct(Seconds(taken - thought, settings.TokensPerMinute)), 0), ct);
    }

    /// <summary>The endpoint asks to be left alone: all workers do.</summary>
    /// <param name="name">Name of the key and model.</param>
    /// <param name="ticket">Of the call that it told so.</param>
    /// <param name="retryAfter">What it asks for.</param>
    /// <param name="isEarly">Calls come too fast (429).</param>
    /// <param name="ct">Cancellation.</param>
    public Task PauseAsync(string name, RateTicket ticket, TimeSpan? retryAfter, bool isEarly, CancellationToken ct) =>
        ChangeAsync(name, (pace, now) => (pace.Pause(now, ticket, (retryAfter ?? UsualPause).TotalSeconds, isEarly), 0), ct);

    /// <summary>What holds calls back; null when none was made yet.</summary>
    public async Task<RateState?> StateAsync(string name, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        var (pace, now) = await ReadAsync(connection, null, name, ct);
        return pace is null ? null : new RateState(pace.Pace * 60, Left(pace.PausedUntil), Left(Math.Max(pace.RequestsAt, pace.TokensAt)));

        TimeSpan Left(double until) => TimeSpan.FromSeconds(Math.Max(0, until - now));
    }

    private static double Seconds(long count, int perMinute) => perMinute == 0 ? 0 : 60.0 * count / perMinute;

    private async Task<T> ChangeAsync<T>(string name, Func<RatePace, double, (RatePace Next, T Result)> change, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        while (true)
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            var (pace, now) = await ReadAsync(connection, transaction, name, ct);
            var (next, result) = change(pace ?? new RatePace(), now);
            if (next == pace) return result;
            await using var write = new NpgsqlCommand(
                pace is null ? $"insert into {Table} (key, pace) values ($1, $2) on conflict do nothing" : $"update {Table} set pace = $2 where key = $1", connection, transaction);
            write.Parameters.Add(new NpgsqlParameter { Value = name });
            write.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(next, EventJson.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
            // Another worker may have been the first in between.
            if (await write.ExecuteNonQueryAsync(ct) == 0) continue;
            await transaction.CommitAsync(ct);
            return result;
        }
    }

    /// <summary>The row, locked when in a transaction, and the time after that.</summary>
    private async Task<(RatePace? Pace, double Now)> ReadAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, string name, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection, transaction);
        // A pace that is lost with the machine is learnt again, and all calls wait for this row.
        if (transaction is not null) batch.BatchCommands.Add(new NpgsqlBatchCommand("set local synchronous_commit = off"));
        var read = new NpgsqlBatchCommand($"select pace::text from {Table} where key = $1{(transaction is null ? "" : " for update")}");
        read.Parameters.Add(new NpgsqlParameter { Value = name });
        batch.BatchCommands.Add(read);
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select extract(epoch from clock_timestamp())::float8"));
        await using var reader = await batch.ExecuteReaderAsync(ct);
        var pace = await reader.ReadAsync(ct) ? JsonSerializer.Deserialize<RatePace>(reader.GetString(0), EventJson.Options) : null;
        await reader.NextResultAsync(ct);
        await reader.ReadAsync(ct);
        return (pace, Clock is { } clock ? (clock.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds : reader.GetDouble(0));
    }
}
