using JasperFx.Events;
using Marten.Events;
using Marten.Services.BatchQuerying;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>A unit of work: everything it holds is written in one transaction.</summary>
internal sealed class DocumentSession(StoreOptions options, SchemaWriter schema, NpgsqlDataSource database)
    : QuerySession(options, schema, database), IDocumentSession, IEventStoreOperations
{
    private readonly EventReader _reader = new(options, schema, database);

    public Dictionary<Guid, StreamAction> Streams { get; } = [];

    public List<(Type Type, Guid Id, object? Document)> Documents { get; } = [];

    public List<(char Placeholder, string Sql, object[] Parameters)> Commands { get; } = [];

    IEventStoreOperations IDocumentSession.Events => this;

    public override IBatchedQuery CreateBatchQuery() => new BatchedQuery(this, Options, Schema, Database);

    public void Store<T>(params T[] entities)
        where T : notnull
    {
        foreach (var entity in entities) Documents.Add((typeof(T), Options.Schema.MappingOf(typeof(T)).IdOf(entity), entity));
    }

    public void Delete<T>(Guid id)
        where T : notnull => Documents.Add((typeof(T), id, null));

    public void QueueSqlCommand(string sql, params object[] parameterValues) => QueueSqlCommand('?', sql, parameterValues);

    public void QueueSqlCommand(char placeholder, string sql, params object[] parameterValues) => Commands.Add((placeholder, sql.TrimEnd(';'), parameterValues));

    public StreamAction StartStream(Guid id, params object[] events) => Add(id, null, isStart: true, expected: 0, events);

    public StreamAction StartStream<TAggregate>(Guid id, params object[] events)
        where TAggregate : class => Add(id, typeof(TAggregate), isStart: true, expected: 0, events);

    public StreamAction Append(Guid stream, params object[] events) => Add(stream, null, isStart: false, expected: null, events);

    public StreamAction Append(Guid stream, long expectedVersion, params object[] events) =>
        // The caller names the version after the append.
        Add(stream, null, isStart: false, expectedVersion - events.Length, events);

    public IEvent BuildEvent(object data) => Options.EventGraph.Wrap(data);

    public async Task<IEventStream<T>> FetchForWriting<T>(Guid id, CancellationToken cancellation = default)
        where T : class
    {
        var batch = CreateBatchQuery();
        var stream = batch.Events.FetchForWriting<T>(id);
        await batch.Execute(cancellation);
        return await stream;
    }

    public Task<IReadOnlyList<IEvent>> FetchStreamAsync(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default) =>
        _reader.FetchStreamAsync(streamId, version, timestamp, fromVersion, token);

    public Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default) => _reader.FetchStreamStateAsync(streamId, token);

    public Task<T?> AggregateStreamAsync<T>(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
        where T : class => _reader.AggregateStreamAsync(streamId, version, timestamp, state, fromVersion, token);

    public async Task SaveChangesAsync(CancellationToken token = default)
    {
        if (Streams.Values.All(s => s.Added.Count == 0) && Documents.Count == 0 && Commands.Count == 0) return;
        await Schema.EnsureEventsAsync(token);
        foreach (var type in Documents.Select(d => d.Type).Concat(Options.Projections.All.Select(p => p.Projection.DocumentType)).Distinct())
        {
            await Schema.EnsureDocumentAsync(Options.Schema.MappingOf(type), token);
        }

        await new UnitOfWork(this, Options, Database).SaveAsync(token);
        Streams.Clear();
        Documents.Clear();
        Commands.Clear();
    }

    internal EventStream<T> Fetched<T>(Guid id, T? aggregate, long version, CancellationToken ct)
        where T : class
    {
        var action = new StreamAction(id, typeof(T), isStart: version == 0, expectedVersion: version) { Fetched = (typeof(T), aggregate) };
        Streams[id] = action;
        return new EventStream<T>(id, aggregate, version, action, BuildEvent, ct);
    }

    private StreamAction Add(Guid id, Type? aggregate, bool isStart, long? expected, object[] events)
    {
        if (!Streams.TryGetValue(id, out var action)) Streams[id] = action = new StreamAction(id, aggregate, isStart, expected);
        action.Added.AddRange(events.Select(BuildEvent));
        return action;
    }
}
