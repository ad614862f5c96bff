using JasperFx.Events;
using JasperFx.Events.Aggregation;
using JasperFx.Events.Projections;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

/// <summary>What was read of a stream: its version and the documents of every inline projection, still as JSON until they are asked for.</summary>
internal sealed class FetchedState(StoreOptions options, Guid id)
{
    private readonly Dictionary<Type, byte[]> _json = [];
    private readonly Dictionary<Type, object?> _documents = [];

    public Guid Id { get; } = id;

    public long Version { get; set; }

    public void Put(Type type, byte[] json) => _json[type] = json;

    public void Put(Type type, object? document) => _documents[type] = document;

    public object? Of(Type type)
    {
        if (_documents.TryGetValue(type, out var document)) return document;
        return _documents[type] = _json.TryGetValue(type, out var json) ? options.Json.Read(json, type) : null;
    }
}

/// <summary>
/// Fetches many streams for writing with one command for their versions and one for each kind of state. Versions come first: a state
/// may then be newer than its version, and the save is refused, but never older.
/// </summary>
internal sealed class StreamFetch(DocumentSession session, bool exclusive)
{
    private readonly Dictionary<Guid, FetchedState> _streams = [];
    private readonly List<(Type Type, Guid Id)> _waiting = [];

    private StoreOptions Options => session.Options;

    /// <summary>Adds a stream; its state is filled when the reads ran.</summary>
    public FetchedState Add(Type aggregate, Guid id)
    {
        if (!_streams.TryGetValue(id, out var state)) _streams[id] = state = new FetchedState(Options, id);
        _waiting.Add((aggregate, id));
        return state;
    }

    public async Task EnsureAsync(CancellationToken ct)
    {
        await session.Schema.EnsureEventsAsync(ct);
        foreach (var type in Documents()) await session.Schema.EnsureDocumentAsync(Options.Schema.MappingOf(type), ct);
    }

    public IEnumerable<(NpgsqlBatchCommand Command, Func<NpgsqlDataReader, CancellationToken, Task> Read)> Reads()
    {
        yield return (Versions(), ReadVersionsAsync);
        foreach (var type in Inline())
        {
            yield return (session.ByIds(Options.Schema.MappingOf(type), _streams.Keys.ToArray()), (reader, ct) => ReadDocumentsAsync(type, reader, ct));
        }

        foreach (var group in _waiting.GroupBy(w => w.Type))
        {
            var aggregation = AggregationOf(group.Key);
            if (aggregation.Base.Lifecycle == ProjectionLifecycle.Inline) continue;
            var ids = group.Select(w => w.Id).Distinct().ToArray();
            var isAsync = aggregation.Base.Lifecycle == ProjectionLifecycle.Async;
            if (isAsync) yield return (session.ByIds(Options.Schema.MappingOf(group.Key), ids), (reader, ct) => ReadDocumentsAsync(group.Key, reader, ct));
            yield return (Events(group.Key, ids, isAsync), (reader, ct) => FoldAsync(aggregation, reader, ct));
        }
    }

    public void Check(Type type)
    {
        if (AggregationOf(type).Scope != AggregationScope.SingleStream) throw new NotSupportedException($"{type} is made of many streams and cannot be fetched for writing.");
    }

    private IAggregation AggregationOf(Type type) =>
        Options.Projections.Aggregating(type) ?? throw new NotSupportedException($"No projection of {type} is registered.");

    private IEnumerable<Type> Inline() => Options.Projections.Aggregations
        .Where(a => a.Base.Lifecycle == ProjectionLifecycle.Inline && a.Scope == AggregationScope.SingleStream).Select(a => a.DocumentType);

    private IEnumerable<Type> Documents() =>
        Inline().Concat(_waiting.Select(w => w.Type).Where(t => AggregationOf(t).Base.Lifecycle == ProjectionLifecycle.Async)).Distinct();

    private NpgsqlBatchCommand Versions() => WithIds(
        $"select id, version from {Options.Events.DatabaseSchemaName}.mt_streams where id = any($1){(exclusive ? " order by id for update" : "")}", _streams.Keys.ToArray());

    private NpgsqlBatchCommand Events(Type type, Guid[] ids, bool afterDocument)
    {
        var rows = new EventRows(Options, "e.");
        var mapping = afterDocument ? Options.Schema.MappingOf(type) : null;
        var join = mapping is null ? "" : $" left join {mapping.Table} d on d.id = e.stream_id";
        var after = mapping is null ? "" : " and e.version > coalesce(d.mt_version, 0)";
        return WithIds(
            $"select {rows.Columns} from {Options.Events.DatabaseSchemaName}.mt_events e{join} where e.stream_id = any($1) and e.is_archived = false{after} order by e.stream_id, e.version", ids);
    }

    private static NpgsqlBatchCommand WithIds(string sql, Guid[] ids)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = ids, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        return command;
    }

    private async Task ReadVersionsAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        while (await reader.ReadAsync(ct)) _streams[reader.GetGuid(0)].Version = reader.GetInt64(1);
    }

    private async Task ReadDocumentsAsync(Type type, NpgsqlDataReader reader, CancellationToken ct)
    {
        while (await reader.ReadAsync(ct)) _streams[reader.GetGuid(0)].Put(type, reader.GetFieldValue<byte[]>(1));
    }

    private async Task FoldAsync(IAggregation aggregation, NpgsqlDataReader reader, CancellationToken ct)
    {
        var events = await new EventRows(Options).ReadAllAsync(reader, ct);
        foreach (var stream in events.GroupBy(e => e.StreamId))
        {
            var state = _streams[stream.Key];
            state.Put(aggregation.DocumentType, aggregation.Fold(state.Of(aggregation.DocumentType), stream.Key, [.. stream]));
        }
    }
}
