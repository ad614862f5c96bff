using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Projections;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

/// <summary>
/// Reads, in one round trip, what a save needs and nobody has read yet, numbers the events and folds them into the documents of inline projections.
/// </summary>
internal sealed class InlineProjections(DocumentSession session, IReadOnlyList<StreamAction> streams, NpgsqlConnection connection)
{
    private readonly StoreOptions _options = session.Options;
    private readonly List<IAggregation> _inline = [.. session.Options.Projections.Aggregations.Where(a => a.Base.Lifecycle == ProjectionLifecycle.Inline)];
    private readonly Dictionary<(Type, object), byte[]> _documents = [];
    private readonly Queue<long> _sequences = new();

    private bool IsRich => _options.Events.AppendMode == EventAppendMode.Rich;

    public async Task ApplyAsync(List<DocumentChange> changes, CancellationToken ct)
    {
        if (streams.Count == 0) return;
        var events = streams.SelectMany(s => s.Events).ToList();
        await ReadAsync(events, ct);
        foreach (var stream in streams) Number(stream);
        foreach (var aggregation in _inline)
        {
            if (aggregation.Scope == AggregationScope.SingleStream) FoldStreams(aggregation, changes);
            else FoldSlices(aggregation, aggregation.Slices(events), changes);
        }
    }

    private async Task ReadAsync(IReadOnlyList<IEvent> events, CancellationToken ct)
    {
        await using var batch = new NpgsqlBatch(connection);
        var reads = new List<Func<NpgsqlDataReader, CancellationToken, Task>>();
        // Without an inline projection or sequences to hand out, the writing statement finds versions by itself.
        var unknown = streams.Where(s => s.ExpectedVersionOnServer is null).ToDictionary(s => s.Id);
        if (unknown.Count > 0 && (_inline.Count > 0 || IsRich))
        {
            Add(
                $"select id, version from {_options.Events.DatabaseSchemaName}.mt_streams where id = any($1) order by id for update",
                unknown.Keys.ToArray(),
                NpgsqlDbType.Uuid,
                reader => unknown[reader.GetGuid(0)].ExpectedVersionOnServer = reader.GetInt64(1));
        }

        foreach (var aggregation in _inline)
        {
            var mapping = _options.Schema.MappingOf(aggregation.DocumentType);
            var ids = aggregation.Scope == AggregationScope.SingleStream
                ? [.. streams.Where(s => s.ActionType == StreamActionType.Append && s.Fetched is null).Select(s => (object)s.Id).Distinct()]
                : aggregation.Slices(events).Select(s => s.Id).ToList();
            if (ids.Count == 0) continue;
            var array = Array.CreateInstance(mapping.IdType, ids.Count);
            for (var i = 0; i < ids.Count; i++) array.SetValue(ids[i], i);
            Add(
                $"select id, data from {mapping.Table} where id = any($1)",
                array,
                mapping.IdDbType,
                reader => _documents[(mapping.Type, reader.GetValue(0))] = reader.GetFieldValue<byte[]>(1));
        }

        if (IsRich)
        {
            Add(
                $"select nextval('{_options.Events.DatabaseSchemaName}.mt_events_sequence') from unnest($1)",
                new int[events.Count],
                NpgsqlDbType.Integer,
                reader => _sequences.Enqueue(reader.GetInt64(0)));
        }

        if (reads.Count > 0)
        {
            await using var reader = await batch.ExecuteReaderAsync(ct);
            for (var i = 0; i < reads.Count; i++)
            {
                if (i > 0) await reader.NextResultAsync(ct);
                await reads[i](reader, ct);
            }

            // Streams that were looked for and not found begin now.
            foreach (var stream in unknown.Values) stream.ExpectedVersionOnServer ??= 0;
        }

        void Add(string sql, object ids, NpgsqlDbType type, Action<NpgsqlDataReader> row)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter { Value = ids, NpgsqlDbType = NpgsqlDbType.Array | type });
            batch.BatchCommands.Add(command);
            reads.Add(async (reader, token) =>
            {
                while (await reader.ReadAsync(token)) row(reader);
            });
        }
    }

    private void Number(StreamAction stream)
    {
        var version = stream.ExpectedVersionOnServer ?? 0;
        foreach (var e in stream.Events)
        {
            e.Version = ++version;
            if (_sequences.TryDequeue(out var sequence)) e.Sequence = sequence;
        }

        stream.Version = version;
    }

    private void FoldStreams(IAggregation aggregation, List<DocumentChange> changes)
    {
        var mapping = _options.Schema.MappingOf(aggregation.DocumentType);
        foreach (var stream in streams)
        {
            var slice = aggregation.Slices(stream.Events);
            if (slice.Count == 0) continue;
            var before = stream.ActionType == StreamActionType.Start ? null
                : stream.Fetched is { } fetched ? fetched.Of(aggregation.DocumentType)
                : Stored(aggregation.DocumentType, stream.Id);
            var after = aggregation.Fold(before, stream.Id, slice[0].Events);
            if (after is not null) mapping.SetId(after, stream.Id);
            if (after is not null) changes.Add(new DocumentChange(Change.Store, mapping, stream.Id, after, stream.Version));
            else if (before is not null) changes.Add(new DocumentChange(Change.Delete, mapping, stream.Id, null));
        }
    }

    private void FoldSlices(IAggregation aggregation, IReadOnlyList<Slice> slices, List<DocumentChange> changes)
    {
        var mapping = _options.Schema.MappingOf(aggregation.DocumentType);
        foreach (var slice in slices)
        {
            var before = Stored(aggregation.DocumentType, slice.Id);
            var after = aggregation.Fold(before, slice.Id, slice.Events);
            if (after is not null) mapping.SetId(after, slice.Id);
            if (after is not null) changes.Add(new DocumentChange(Change.Store, mapping, slice.Id, after));
            else if (before is not null) changes.Add(new DocumentChange(Change.Delete, mapping, slice.Id, null));
        }
    }

    private object? Stored(Type type, object id) => _documents.TryGetValue((type, id), out var json) ? _options.Json.Read(json, type) : null;
}
