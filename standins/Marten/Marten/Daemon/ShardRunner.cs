using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten.Exceptions;
using Marten.Sessions;
using Marten.Storage;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Daemon;

/// <summary>Takes one projection from event to event. Documents and progress are written in one transaction.</summary>
internal sealed class ShardRunner(DocumentStore store, IAggregation aggregation, ErrorHandlingOptions errors, ILogger logger)
{
    private readonly StoreOptions _options = store.StoreOptions;
    private readonly string _schema = store.StoreOptions.Events.DatabaseSchemaName;
    private readonly DocumentMapping _mapping = store.StoreOptions.Schema.MappingOf(aggregation.DocumentType);

    public async Task PrepareAsync(CancellationToken ct)
    {
        await store.Schema.EnsureEventsAsync(ct);
        await store.Schema.EnsureDocumentAsync(_mapping, ct);
    }

    /// <summary>Where the shard stands; null when it never ran.</summary>
    public async Task<long?> ProgressAsync(CancellationToken ct)
    {
        await using var command = store.Database.CreateCommand($"select last_seq_id from {_schema}.mt_event_progression where name = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = aggregation.Shard.Identity });
        return await command.ExecuteScalarAsync(ct) as long?;
    }

    /// <summary>Deletes the projection's documents and progress.</summary>
    public async Task TeardownAsync(CancellationToken ct)
    {
        await using var connection = await store.Database.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection);
        if (aggregation.Base.Options.TeardownDataOnRebuild) batch.BatchCommands.Add(new NpgsqlBatchCommand($"delete from {_mapping.Table}"));
        var progress = new NpgsqlBatchCommand($"delete from {_schema}.mt_event_progression where name = $1");
        progress.Parameters.Add(new NpgsqlParameter { Value = aggregation.Shard.Identity });
        batch.BatchCommands.Add(progress);
        await batch.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Applies the next events up to <paramref name="ceiling"/>.</summary>
    /// <returns>The sequence up to which everything is applied now.</returns>
    public async Task<long> StepAsync(long? from, long ceiling, int batchSize, CancellationToken ct)
    {
        var floor = from ?? 0;
        var (events, last) = await LoadAsync(floor, ceiling, batchSize, ct);
        while (true)
        {
            try
            {
                await ApplyAsync(events, from, last, ct);
                return last;
            }
            catch (ApplyEventException e) when (errors.SkipApplyErrors)
            {
                logger.LogError(e, "{Shard} skips event {Sequence}", aggregation.Shard.Identity, e.Event.Sequence);
                events.Remove(e.Event);
            }
        }
    }

    private async Task<(List<IEvent> Events, long Last)> LoadAsync(long floor, long ceiling, int batchSize, CancellationToken ct)
    {
        var rows = new EventRows(_options);
        await using var command = store.Database.CreateCommand(
            $"select {rows.Columns} from {_schema}.mt_events where seq_id > $1 and seq_id <= $2 and is_archived = false order by seq_id limit $3");
        command.Parameters.Add(new NpgsqlParameter { Value = floor });
        command.Parameters.Add(new NpgsqlParameter { Value = ceiling });
        command.Parameters.Add(new NpgsqlParameter { Value = batchSize });
        var events = new List<IEvent>();
        var (count, last) = (0, ceiling);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            count++;
            last = reader.GetInt64(0);
            try
            {
                events.Add(rows.Read(reader));
            }
            catch (UnknownEventTypeException e) when (errors.SkipUnknownEvents)
            {
                logger.LogWarning(e, "{Shard} skips event {Sequence}", aggregation.Shard.Identity, last);
            }
            catch (EventDeserializationFailureException e) when (errors.SkipSerializationErrors)
            {
                logger.LogError(e, "{Shard} skips event {Sequence}", aggregation.Shard.Identity, last);
            }
        }

        return (events, count < batchSize ? ceiling : last);
    }

    private async Task ApplyAsync(List<IEvent> events, long? from, long last, CancellationToken ct)
    {
        await using var connection = await store.Database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var slices = aggregation.Slices(events);
        var stored = await DocumentsAsync(connection, slices, ct);
        var changes = new List<DocumentChange>(slices.Count);
        foreach (var slice in slices)
        {
            var before = stored.TryGetValue(slice.Id, out var json) ? _options.Json.Read(json, _mapping.Type) : null;
            var after = aggregation.Fold(before, slice.Id, slice.Events);
            if (after is not null) _mapping.SetId(after, slice.Id);
            var version = aggregation.Scope == AggregationScope.SingleStream ? slice.Events[^1].Version : slice.Events[^1].Sequence;
            if (after is not null) changes.Add(new DocumentChange(Change.Store, _mapping, slice.Id, after, version));
            else if (before is not null) changes.Add(new DocumentChange(Change.Delete, _mapping, slice.Id, null));
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        var progress = Progress(from, last);
        batch.BatchCommands.Add(progress);
        new DocumentWriter(_options).Queue(batch, changes);
        await batch.ExecuteNonQueryAsync(ct);
        if (progress.RecordsAffected != 1) throw new ProgressionProgressOutOfOrderException(aggregation.Shard);
        await transaction.CommitAsync(ct);
    }

    private async Task<Dictionary<object, byte[]>> DocumentsAsync(NpgsqlConnection connection, IReadOnlyList<Slice> slices, CancellationToken ct)
    {
        var documents = new Dictionary<object, byte[]>();
        if (slices.Count == 0) return documents;
        var ids = Array.CreateInstance(_mapping.IdType, slices.Count);
        for (var i = 0; i < slices.Count; i++) ids.SetValue(slices[i].Id, i);
        await using var command = new NpgsqlCommand($"select id, data from {_mapping.Table} where id = any($1)", connection);
        command.Parameters.Add(new NpgsqlParameter { Value = ids, NpgsqlDbType = NpgsqlDbType.Array | _mapping.IdDbType });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) documents[reader.GetValue(0)] = reader.GetFieldValue<byte[]>(1);
        return documents;
    }

    /// <summary>Moves the progress from where this runner left it; nothing is affected when somebody else moved it.</summary>
    private NpgsqlBatchCommand Progress(long? from, long last)
    {
        var command = new NpgsqlBatchCommand(from is null
            ? $"insert into {_schema}.mt_event_progression (name, last_seq_id) values ($1, $2) on conflict do nothing"
            : $"update {_schema}.mt_event_progression set last_seq_id = $2, last_updated = transaction_timestamp() where name = $1 and last_seq_id = $3");
        command.Parameters.Add(new NpgsqlParameter { Value = aggregation.Shard.Identity });
        command.Parameters.Add(new NpgsqlParameter { Value = last });
        if (from is not null) command.Parameters.Add(new NpgsqlParameter { Value = from.Value });
        return command;
    }
}
