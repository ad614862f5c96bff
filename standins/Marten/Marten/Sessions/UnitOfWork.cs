using JasperFx;
using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Projections;
using Marten.Exceptions;
using Npgsql;

namespace Marten.Sessions;

/// <summary>
/// Writes a session in one transaction: at most one round trip that reads what nobody has read yet (versions, inline documents), and one
/// that writes everything, with one statement for each table and kind of change.
/// </summary>
internal sealed class UnitOfWork(DocumentSession session, IReadOnlyList<Guid> archived)
{
    private readonly StoreOptions _options = session.Options;
    private readonly List<StreamAction> _streams = [.. session.Streams.Where(s => s.Events.Count > 0)];
    private readonly List<DocumentChange> _changes = [.. session.Changes];

    public async Task SaveAsync(CancellationToken ct)
    {
        StampMetadata();
        await EnsureSchemaAsync(ct);
        await using var save = await session.Connections.OpenSaveAsync(ct);
        try
        {
            await new InlineProjections(session, _streams, save.Connection).ApplyAsync(_changes, ct);
            await WriteAsync(save.Connection, ct);
            await save.CommitAsync(ct);
        }
        catch (PostgresException e)
        {
            await save.DisposeAsync();
            throw await TranslateAsync(e, ct);
        }
        catch (ConcurrencyException e) when (e is EventStreamUnexpectedMaxEventIdException)
        {
            await save.DisposeAsync();
            throw await ConflictAsync(ct) ?? e;
        }
    }

    private void StampMetadata()
    {
        var metadata = _options.Events.MetadataConfig;
        var now = _options.Events.TimeProvider.GetUtcNow();
        foreach (var stream in _streams)
        {
            stream.AggregateTypeName = stream.AggregateType is null ? null : Storage.Naming.Snake(stream.AggregateType.Name);
            if (stream.ActionType == StreamActionType.Start) stream.ExpectedVersionOnServer = 0;
            foreach (var e in stream.Events)
            {
                if (e.Timestamp == default) e.Timestamp = now;
                if (metadata.CausationIdEnabled) e.CausationId ??= session.CausationId;
                if (metadata.CorrelationIdEnabled) e.CorrelationId ??= session.CorrelationId;
                if (!metadata.HeadersEnabled) continue;
                foreach (var (key, value) in session.Headers) e.SetHeader(key, value);
            }
        }
    }

    private async Task EnsureSchemaAsync(CancellationToken ct)
    {
        if (_streams.Count > 0 || archived.Count > 0) await session.Schema.EnsureEventsAsync(ct);
        foreach (var change in _changes) await session.Schema.EnsureDocumentAsync(change.Mapping, ct);
        if (_streams.Count == 0) return;
        foreach (var aggregation in _options.Projections.Aggregations.Where(a => a.Base.Lifecycle == ProjectionLifecycle.Inline))
        {
            await session.Schema.EnsureDocumentAsync(_options.Schema.MappingOf(aggregation.DocumentType), ct);
        }
    }

    private async Task WriteAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        var events = new EventWriter(_options, _streams);
        var documents = new DocumentWriter(_options);
        // The one command that returns rows comes first.
        events.Queue(batch);
        foreach (var id in archived) QueueArchive(batch, id);
        documents.Queue(batch, _changes);
        foreach (var command in session.Commands) batch.BatchCommands.Add(command);
        if (batch.BatchCommands.Count == 0) return;
        await using (var reader = await batch.ExecuteReaderAsync(ct))
        {
            await events.ReadAsync(reader, ct);
            while (await reader.NextResultAsync(ct))
            {
                // Errors of later commands surface here.
            }
        }

        events.Check();
        documents.Check();
    }

    private void QueueArchive(NpgsqlBatch batch, Guid id)
    {
        foreach (var (table, column) in (ReadOnlySpan<(string, string)>)[("mt_streams", "id"), ("mt_events", "stream_id")])
        {
            var command = new NpgsqlBatchCommand($"update {_options.Events.DatabaseSchemaName}.{table} set is_archived = true where {column} = $1");
            command.Parameters.Add(new NpgsqlParameter { Value = id });
            batch.BatchCommands.Add(command);
        }
    }

    private async Task<Exception> TranslateAsync(PostgresException e, CancellationToken ct)
    {
        if (e is { SqlState: PostgresErrorCodes.UniqueViolation, TableName: "mt_streams" or "mt_events" } or { SqlState: PostgresErrorCodes.ForeignKeyViolation, TableName: "mt_events" })
        {
            return await ConflictAsync(ct) ?? new EventStreamUnexpectedMaxEventIdException(e.MessageText);
        }

        if (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            var inserts = _changes.Where(c => c.Kind == Change.Insert && c.Mapping.TableName == e.TableName && e.ConstraintName == $"pkey_{c.Mapping.TableName}_id").ToList();
            if (inserts.Count > 0)
            {
                var taken = inserts.Find(c => e.Detail?.Contains(c.Id!.ToString()!, StringComparison.Ordinal) == true) ?? inserts[0];
                return new DocumentAlreadyExistsException(e, taken.Mapping.Type, taken.Id!);
            }
        }

        return new MartenCommandException(null, e);
    }

    /// <summary>Names the first stream that is not where its writer expects it, after the transaction is gone.</summary>
    private async Task<Exception?> ConflictAsync(CancellationToken ct)
    {
        var found = new Dictionary<Guid, (long Version, bool Archived)>();
        await using var command = session.Database.CreateCommand($"select id, version, is_archived from {_options.Events.DatabaseSchemaName}.mt_streams where id = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = _streams.Select(s => s.Id).ToArray() });
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct)) found[reader.GetGuid(0)] = (reader.GetInt64(1), reader.GetBoolean(2));
        }

        var started = new HashSet<Guid>();
        foreach (var stream in _streams)
        {
            var exists = found.TryGetValue(stream.Id, out var state);
            if (stream.ActionType == StreamActionType.Start)
            {
                if (exists || !started.Add(stream.Id)) return new ExistingStreamIdCollisionException(stream.Id, stream.AggregateType!);
                continue;
            }

            if (exists && state.Archived) return new InvalidStreamOperationException($"Attempted to append event to archived stream with Id '{stream.Id}'.");
            if (stream.ExpectedVersionOnServer is { } expected && expected != state.Version)
            {
                return new EventStreamUnexpectedMaxEventIdException(stream.Id, stream.AggregateType, expected, state.Version);
            }
        }

        return null;
    }
}
