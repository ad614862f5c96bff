using System.Text.Json;
using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten.Exceptions;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>Writes a session in one transaction and, but for streams whose version nobody named, one round trip.</summary>
internal sealed class UnitOfWork(DocumentSession session, StoreOptions options, NpgsqlDataSource database)
{
    private readonly List<StreamAction> _streams = [.. session.Streams.Values.Where(s => s.Added.Count > 0).OrderBy(s => s.Id)];

    public async Task SaveAsync(CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await FindVersionsAsync(connection, ct);
        foreach (var stream in _streams) Number(stream);
        await ProjectAsync(connection, ct);
        await using var batch = new NpgsqlBatch(connection, transaction);
        QueueStreams(batch);
        QueueEvents(batch);
        QueueDocuments(batch);
        QueueCommands(batch);
        try
        {
            await using (var reader = await batch.ExecuteReaderAsync(ct)) await CheckUpdatesAsync(reader, ct);
            await transaction.CommitAsync(ct);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation && e.ConstraintName == "pkey_mt_streams_id")
        {
            var stream = _streams.First(s => s.IsStart);
            throw new ExistingStreamIdCollisionException(stream.Id, stream.AggregateType ?? typeof(object));
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation && e.ConstraintName == "pk_mt_events_stream_and_version")
        {
            throw new EventStreamUnexpectedMaxEventIdException(e.Detail);
        }
        catch (PostgresException e)
        {
            throw new MartenCommandException(e.Message, e);
        }
    }

    private async Task FindVersionsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var unknown = _streams.Where(s => s.ExpectedVersionOnServer is null).ToDictionary(s => s.Id);
        if (unknown.Count == 0) return;
        await using var command = connection.CreateCommand();
        command.CommandText = $"select id, version from {options.EventSchema}.mt_streams where id = any($1) order by id for update";
        command.Parameters.Add(new NpgsqlParameter { Value = unknown.Keys.ToArray() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) unknown[reader.GetGuid(0)].ExpectedVersionOnServer = reader.GetInt64(1);
        foreach (var stream in unknown.Values) stream.IsStart = stream.ExpectedVersionOnServer is null;
    }

    private static void Number(StreamAction stream)
    {
        var version = stream.ExpectedVersionOnServer ?? 0;
        foreach (var e in stream.Added) (e.StreamId, e.Version, e.Timestamp) = (stream.Id, ++version, DateTimeOffset.UtcNow);
        stream.Version = version;
    }

    private async Task ProjectAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        foreach (var (projection, lifecycle) in options.Projections.All)
        {
            if (lifecycle != ProjectionLifecycle.Inline) continue;
            var type = projection.DocumentType;
            var unread = _streams.Where(s => !s.IsStart && s.Fetched?.Type != type && s.Fetched is null).Select(s => s.Id).ToArray();
            var loaded = unread.Length == 0 ? [] : await LoadAsync(connection, type, unread, ct);
            foreach (var stream in _streams)
            {
                var snapshot = stream.Fetched is { } fetched && fetched.Type == type ? fetched.Value : loaded.GetValueOrDefault(stream.Id);
                var before = snapshot;
                foreach (var e in stream.Added) snapshot = projection.Fold(snapshot, stream.Id, e);
                if (snapshot is not null || before is not null) session.Documents.Add((type, stream.Id, snapshot));
            }
        }
    }

    private async Task<Dictionary<Guid, object>> LoadAsync(NpgsqlConnection connection, Type type, Guid[] ids, CancellationToken ct)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"select id, data::text from {options.DatabaseSchemaName}.{options.Schema.MappingOf(type).Table} where id = any($1)";
        command.Parameters.Add(new NpgsqlParameter { Value = ids });
        var documents = new Dictionary<Guid, object>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) documents[reader.GetGuid(0)] = JsonSerializer.Deserialize(reader.GetString(1), type, options.Json)!;
        return documents;
    }

    private void QueueStreams(NpgsqlBatch batch)
    {
        var updated = _streams.Where(s => !s.IsStart).ToList();
        if (updated.Count > 0)
        {
            // First, because its result is read: rows that are not at the expected version are missing from it.
            Add(batch, $"""
                update {options.EventSchema}.mt_streams s set version = u.next, timestamp = now()
                from unnest($1, $2, $3) as u(id, expected, next) where s.id = u.id and s.version = u.expected returning s.id
                """, updated.Select(s => s.Id).ToArray(), updated.Select(s => s.ExpectedVersionOnServer!.Value).ToArray(), updated.Select(s => s.Version).ToArray());
        }

        var started = _streams.Where(s => s.IsStart).ToList();
        if (started.Count > 0)
        {
            Add(batch, $"insert into {options.EventSchema}.mt_streams (id, type, version) select * from unnest($1, $2, $3)",
                started.Select(s => s.Id).ToArray(), started.Select(s => s.AggregateType?.Name.ToLowerInvariant()).ToArray(), started.Select(s => s.Version).ToArray());
        }
    }

    private async Task CheckUpdatesAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        var updated = _streams.Where(s => !s.IsStart).ToDictionary(s => s.Id);
        if (updated.Count > 0)
        {
            while (await reader.ReadAsync(ct)) updated.Remove(reader.GetGuid(0));
            if (updated.Values.FirstOrDefault() is { } stale)
            {
                throw new EventStreamUnexpectedMaxEventIdException(stale.Id, stale.AggregateType, stale.ExpectedVersionOnServer!.Value, -1);
            }
        }

        while (await reader.NextResultAsync(ct))
        {
            // Errors of later commands surface here.
        }
    }

    private void QueueEvents(NpgsqlBatch batch)
    {
        var events = _streams.SelectMany(s => s.Added).ToList();
        if (events.Count == 0) return;
        var metadata = options.Events.MetadataConfig;
        var columns = "id, stream_id, version, data, type, mt_dotnet_type, timestamp";
        var values = "e.id, e.stream, e.version, e.data::jsonb, e.type, e.dotnet, now()";
        var parameters = new List<object>
        {
            events.Select(e => e.Id).ToArray(),
            events.Select(e => e.StreamId).ToArray(),
            events.Select(e => e.Version).ToArray(),
            events.Select(e => JsonSerializer.Serialize(e.Data, e.EventType, options.Json)).ToArray(),
            events.Select(e => e.EventTypeName).ToArray(),
            events.Select(e => e.DotNetTypeName).ToArray(),
        };
        var names = "id, stream, version, data, type, dotnet";
        void Optional(bool enabled, string column, string cast, Func<IEvent, string?> value)
        {
            if (!enabled) return;
            parameters.Add(events.Select(value).ToArray());
            (columns, values, names) = ($"{columns}, {column}", $"{values}, e.{column}{cast}", $"{names}, {column}");
        }

        Optional(metadata.HeadersEnabled, "headers", "::jsonb", e => JsonSerializer.Serialize(e.Headers ?? [], options.Json));
        Optional(metadata.CorrelationIdEnabled, "correlation_id", "", e => e.CorrelationId);
        Optional(metadata.CausationIdEnabled, "causation_id", "", e => e.CausationId);
        var markers = string.Join(", ", Enumerable.Range(1, parameters.Count).Select(i => $"${i}"));
        Add(batch, $"""
            insert into {options.EventSchema}.mt_events (seq_id, {columns})
            select nextval('{options.EventSchema}.mt_events_sequence'), {values}
            from unnest({markers}) with ordinality as e({names}, ordinal) order by e.ordinal
            """, [.. parameters]);
    }

    private void QueueDocuments(NpgsqlBatch batch)
    {
        foreach (var group in session.Documents.GroupBy(d => d.Type))
        {
            var mapping = options.Schema.MappingOf(group.Key);
            var table = $"{options.DatabaseSchemaName}.{mapping.Table}";
            // The last word on a document counts.
            var last = group.GroupBy(d => d.Id).Select(g => g.Last()).OrderBy(d => d.Id).ToList();
            var stored = last.Where(d => d.Document is not null).ToList();
            if (stored.Count > 0)
            {
                var revision = mapping.HasNumericRevision ? ", mt_version" : "";
                var revisionValue = mapping.HasNumericRevision ? ", d.version" : "";
                var update = mapping.HasNumericRevision ? ", mt_version = excluded.mt_version" : ", mt_version = md5(random()::text || clock_timestamp()::text)::uuid";
                var versions = stored.Select(d => (int)(session.Streams.GetValueOrDefault(d.Id)?.Version ?? 0)).ToArray();
                Add(batch, $"""
                    insert into {table} (id, data, mt_dotnet_type, mt_last_modified{revision})
                    select d.id, d.data::jsonb, d.dotnet, transaction_timestamp(){revisionValue} from unnest($1, $2, $3, $4) as d(id, data, dotnet, version)
                    on conflict (id) do update set data = excluded.data, mt_dotnet_type = excluded.mt_dotnet_type, mt_last_modified = excluded.mt_last_modified{update}
                    """,
                    stored.Select(d => d.Id).ToArray(),
                    stored.Select(d => JsonSerializer.Serialize(d.Document, d.Type, options.Json)).ToArray(),
                    stored.Select(d => d.Type.FullName!).ToArray(),
                    versions);
            }

            var deleted = last.Where(d => d.Document is null).Select(d => d.Id).ToArray();
            if (deleted.Length > 0) Add(batch, $"delete from {table} where id = any($1)", deleted);
        }
    }

    private void QueueCommands(NpgsqlBatch batch)
    {
        foreach (var (placeholder, sql, parameters) in session.Commands)
        {
            var parts = sql.Split(placeholder);
            if (parts.Length - 1 != parameters.Length) throw new InvalidOperationException($"The SQL '{sql}' has {parts.Length - 1} placeholders and {parameters.Length} parameters.");
            Add(batch, string.Concat(parts.Select((part, i) => i == 0 ? part : $"${i}{part}")), parameters);
        }
    }

    private static void Add(NpgsqlBatch batch, string sql, params object?[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(new NpgsqlParameter { Value = parameter ?? DBNull.Value });
        batch.BatchCommands.Add(command);
    }
}
