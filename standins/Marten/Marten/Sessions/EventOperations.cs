using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten.Exceptions;
using Marten.Linq;

namespace Marten.Sessions;

/// <summary>Appends of a session.</summary>
internal sealed class EventOperations(DocumentSession session, EventReader reader) : Events.IEventStoreOperations
{
    private readonly Dictionary<Guid, StreamAction> _byId = [];

    public List<Guid> Archived { get; } = [];

    public void Forget()
    {
        _byId.Clear();
        Archived.Clear();
    }

    public IEvent BuildEvent(object data) => session.Options.EventGraph.Wrap(data);

    public StreamAction Append(Guid stream, IEnumerable<object> events) => Append(stream, events.ToArray());

    public StreamAction Append(Guid stream, params object[] events)
    {
        if (stream == Guid.Empty) throw new ArgumentOutOfRangeException(nameof(stream), "A stream's id cannot be empty.");
        return Find(stream).AddEvents([.. events.Select(BuildEvent)]);
    }

    public StreamAction Append(Guid stream, long expectedVersion, IEnumerable<object> events) => Append(stream, expectedVersion, events.ToArray());

    public StreamAction Append(Guid stream, long expectedVersion, params object[] events)
    {
        var action = Append(stream, events);
        var before = expectedVersion - action.Events.Count;
        if (before < 0) throw new ArgumentOutOfRangeException(nameof(expectedVersion), "The expected version counts the appended events too and cannot be less than they are.");
        action.ExpectedVersionOnServer = before;
        return action;
    }

    public StreamAction StartStream<TAggregate>(Guid id, IEnumerable<object> events)
        where TAggregate : class => Start(typeof(TAggregate), id, events);

    public StreamAction StartStream<TAggregate>(Guid id, params object[] events)
        where TAggregate : class => Start(typeof(TAggregate), id, events);

    public StreamAction StartStream(Type aggregateType, Guid id, IEnumerable<object> events) => Start(aggregateType, id, events);

    public StreamAction StartStream(Type aggregateType, Guid id, params object[] events) => Start(aggregateType, id, events);

    public StreamAction StartStream(Guid id, IEnumerable<object> events) => Start(null, id, events);

    public StreamAction StartStream(Guid id, params object[] events) => Start(null, id, events);

    public StreamAction StartStream<TAggregate>(IEnumerable<object> events)
        where TAggregate : class => Start(typeof(TAggregate), Guid.CreateVersion7(), events);

    public StreamAction StartStream<TAggregate>(params object[] events)
        where TAggregate : class => Start(typeof(TAggregate), Guid.CreateVersion7(), events);

    public StreamAction StartStream(IEnumerable<object> events) => Start(null, Guid.CreateVersion7(), events);

    public StreamAction StartStream(params object[] events) => Start(null, Guid.CreateVersion7(), events);

    public Task AppendOptimistic(Guid streamId, params object[] events) => AppendOptimistic(streamId, CancellationToken.None, events);

    public async Task AppendOptimistic(Guid streamId, CancellationToken token, params object[] events)
    {
        var state = await reader.FetchStreamStateAsync(streamId, token) ?? throw new NonExistentStreamException(streamId);
        Append(streamId, events).ExpectedVersionOnServer = state.Version;
    }

    public Task AppendExclusive(Guid streamId, params object[] events) => AppendExclusive(streamId, CancellationToken.None, events);

    public async Task AppendExclusive(Guid streamId, CancellationToken token, params object[] events)
    {
        await session.Schema.EnsureEventsAsync(token);
        await session.BeginTransactionAsync(token);
        var command = reader.StateCommand(streamId);
        command.CommandText += " for update";
        var state = await session.ExecuteAsync(command, reader.ReadStateAsync, token) ?? throw new NonExistentStreamException(streamId);
        Append(streamId, events).ExpectedVersionOnServer = state.Version;
    }

    public void ArchiveStream(Guid streamId) => Archived.Add(streamId);

    public Task<IEventStream<T>> FetchForWriting<T>(Guid id, CancellationToken cancellation = default)
        where T : class => FetchAsync<T>(id, null, exclusive: false, cancellation);

    public Task<IEventStream<T>> FetchForWriting<T>(Guid id, long expectedVersion, CancellationToken cancellation = default)
        where T : class => FetchAsync<T>(id, expectedVersion, exclusive: false, cancellation);

    public Task<IEventStream<T>> FetchForExclusiveWriting<T>(Guid id, CancellationToken cancellation = default)
        where T : class => FetchAsync<T>(id, null, exclusive: true, cancellation);

    public async Task WriteToAggregate<T>(Guid id, Action<IEventStream<T>> writing, CancellationToken cancellation = default)
        where T : class
    {
        writing(await FetchForWriting<T>(id, cancellation));
        await session.SaveChangesAsync(cancellation);
    }

    public async Task WriteToAggregate<T>(Guid id, Func<IEventStream<T>, Task> writing, CancellationToken cancellation = default)
        where T : class
    {
        await writing(await FetchForWriting<T>(id, cancellation));
        await session.SaveChangesAsync(cancellation);
    }

    public async ValueTask<T?> FetchLatest<T>(Guid id, CancellationToken cancellation = default)
        where T : class
    {
        var fetch = new StreamFetch(session, exclusive: false);
        fetch.Check(typeof(T));
        var state = fetch.Add(typeof(T), id);
        await fetch.EnsureAsync(cancellation);
        await session.ExecuteAsync([.. fetch.Reads()], cancellation);
        return (T?)state.Of(typeof(T));
    }

    public Task<IReadOnlyList<IEvent>> FetchStreamAsync(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default) =>
        reader.FetchStreamAsync(streamId, version, timestamp, fromVersion, token);

    public Task<T?> AggregateStreamAsync<T>(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
        where T : class => reader.AggregateStreamAsync(streamId, version, timestamp, state, fromVersion, token);

    public Task<IEvent?> LoadAsync(Guid id, CancellationToken token = default) => reader.LoadAsync(id, token);

    public Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default) => reader.FetchStreamStateAsync(streamId, token);

    public IMartenQueryable<T> QueryRawEventDataOnly<T>()
        where T : notnull => reader.QueryRawEventDataOnly<T>();

    public IMartenQueryable<IEvent> QueryAllRawEvents() => reader.QueryAllRawEvents();

    /// <summary>Puts a fetched stream under the session's watch.</summary>
    /// <exception cref="EventStreamUnexpectedMaxEventIdException">It is not at the version that the caller expects.</exception>
    public IEventStream<T> Opened<T>(FetchedState state, long? expectedVersion, CancellationToken ct)
        where T : class
    {
        if (expectedVersion is { } expected && expected != state.Version) throw new EventStreamUnexpectedMaxEventIdException(state.Id, typeof(T), expected, state.Version);
        if (!_byId.TryGetValue(state.Id, out var action))
        {
            action = new StreamAction(state.Id, state.Version == 0 ? StreamActionType.Start : StreamActionType.Append);
            session.Streams.Add(action);
            _byId[state.Id] = action;
        }

        action.AggregateType = typeof(T);
        action.ExpectedVersionOnServer = state.Version;
        if (session.Options.Events.UseIdentityMapForAggregates) action.Fetched = state;
        return new EventStream<T>((T?)state.Of(typeof(T)), action, BuildEvent, ct);
    }

    private async Task<IEventStream<T>> FetchAsync<T>(Guid id, long? expectedVersion, bool exclusive, CancellationToken ct)
        where T : class
    {
        var fetch = new StreamFetch(session, exclusive);
        fetch.Check(typeof(T));
        var state = fetch.Add(typeof(T), id);
        await fetch.EnsureAsync(ct);
        if (exclusive) await session.BeginTransactionAsync(ct);
        await session.ExecuteAsync([.. fetch.Reads()], ct);
        return Opened<T>(state, expectedVersion, ct);
    }

    private StreamAction Start(Type? aggregateType, Guid id, IEnumerable<object> events)
    {
        if (id == Guid.Empty) throw new ArgumentOutOfRangeException(nameof(id), "A stream's id cannot be empty.");
        var wrapped = events.Select(BuildEvent).ToArray();
        if (wrapped.Length == 0) throw new EmptyEventStreamException(id);
        var action = new StreamAction(id, StreamActionType.Start) { AggregateType = aggregateType };
        session.Streams.Add(action.AddEvents(wrapped));
        _byId.TryAdd(id, action);
        return action;
    }

    private StreamAction Find(Guid stream)
    {
        if (_byId.TryGetValue(stream, out var action)) return action;
        session.Streams.Add(_byId[stream] = action = new StreamAction(stream, StreamActionType.Append));
        return action;
    }
}
