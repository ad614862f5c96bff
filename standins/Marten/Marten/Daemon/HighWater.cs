using JasperFx.Events.Projections;
using Npgsql;

namespace Marten.Daemon;

/// <summary>
/// Finds the sequence up to which no event can still appear. Whoever took a number holds a lock on the sequence until his transaction
/// ends: when the lock's holders, listed after a gap was seen, are all gone, and the gap is still there, nobody will fill it.
/// </summary>
internal sealed class HighWater(DocumentStore store)
{
    private readonly string _schema = store.StoreOptions.Events.DatabaseSchemaName;
    private (long Ceiling, HashSet<string> Holders)? _gap;
    private bool _saved;

    public long Mark { get; private set; } = -1;

    /// <summary>Moves the mark as far as is safe now.</summary>
    /// <returns>Whether it moved.</returns>
    public async Task<bool> AdvanceAsync(CancellationToken ct)
    {
        await using var connection = await store.Database.OpenConnectionAsync(ct);
        if (Mark < 0) Mark = await StoredAsync(connection, ct);
        var before = Mark;
        // The holders are listed in a later statement than the events, so that a writer is in one list or the other.
        var (contiguous, highest) = await EventsAsync(connection, ct);
        if (_gap is { } gap)
        {
            // Both gaps, those below the ceiling when it was noted and those now, are final once the holders of then are gone.
            var holders = await HoldersAsync(connection, ct);
            if (!gap.Holders.Overlaps(holders) && !holders.Any(h => h.StartsWith("-1/", StringComparison.Ordinal)))
            {
                var (after, _) = await EventsAsync(connection, ct);
                contiguous = Math.Max(after, gap.Ceiling);
                _gap = null;
            }
            else if (contiguous >= gap.Ceiling)
            {
                _gap = null;
            }
        }

        if (_gap is null && highest > contiguous)
        {
            var holders = await HoldersAsync(connection, ct);
            if (holders.Count == 0) contiguous = Math.Max((await EventsAsync(connection, ct)).Contiguous, highest);
            else _gap = (highest, holders);
        }

        Mark = Math.Max(Mark, contiguous);
        if (Mark > before || !_saved) await SaveAsync(connection, ct);
        _saved = true;
        return Mark > before;
    }

    /// <summary>The highest sequence without a gap below it down to the mark, and the highest of all.</summary>
    private async Task<(long Contiguous, long Highest)> EventsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select coalesce((select max(seq_id) from {_schema}.mt_events), 0),
                (select before from (select seq_id, lag(seq_id, 1, $1) over (order by seq_id) as before from {_schema}.mt_events where seq_id > $1) e
                    where seq_id - before > 1 order by seq_id limit 1)
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = Mark });
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var highest = Math.Max(reader.GetInt64(0), Mark);
        return (await reader.IsDBNullAsync(1, ct) ? highest : reader.GetInt64(1), highest);
    }

    private async Task<HashSet<string>> HoldersAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select virtualtransaction from pg_locks where locktype = 'relation' and relation = '{_schema}.mt_events_sequence'::regclass
                and database = (select oid from pg_database where datname = current_database()) and mode = 'RowExclusiveLock' and granted
            """,
            connection);
        var holders = new HashSet<string>(StringComparer.Ordinal);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) holders.Add(reader.GetString(0));
        return holders;
    }

    private async Task<long> StoredAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand($"select last_seq_id from {_schema}.mt_event_progression where name = $1", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = ShardState.HighWaterMark });
        return await command.ExecuteScalarAsync(ct) as long? ?? 0;
    }

    private async Task SaveAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(
            $"""
            insert into {_schema}.mt_event_progression as p (name, last_seq_id, last_updated) values ($1, $2, transaction_timestamp())
            on conflict (name) do update set last_seq_id = greatest(p.last_seq_id, excluded.last_seq_id), last_updated = excluded.last_updated
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter { Value = ShardState.HighWaterMark });
        command.Parameters.Add(new NpgsqlParameter { Value = Mark });
        await command.ExecuteNonQueryAsync(ct);
    }
}
