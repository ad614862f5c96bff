namespace JasperFx.Events;

/// <summary>Marks the sessions that projections work on.</summary>
public interface IStorageOperations : IAsyncDisposable;

/// <summary>Reads events by stream.</summary>
public interface IQueryEventStore
{
    /// <summary>Events of a stream that is not archived, up to a version or time, from a version on.</summary>
    Task<IReadOnlyList<IEvent>> FetchStreamAsync(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default);

    /// <summary>Folds a stream through the registered projection; null when the stream has not reached <paramref name="version"/>.</summary>
    Task<T?> AggregateStreamAsync<T>(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
        where T : class;

    Task<IEvent?> LoadAsync(Guid id, CancellationToken token = default);

    Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default);
}

/// <summary>Appends events in a unit of work.</summary>
public interface IEventOperations
{
    StreamAction Append(Guid stream, IEnumerable<object> events);

    StreamAction Append(Guid stream, params object[] events);

    /// <summary>Appends if the stream is at <paramref name="expectedVersion"/> afterwards.</summary>
    StreamAction Append(Guid stream, long expectedVersion, params object[] events);

    StreamAction StartStream<TAggregate>(Guid id, params object[] events)
        where TAggregate : class;

    StreamAction StartStream(Type aggregateType, Guid id, IEnumerable<object> events);

    StreamAction StartStream(Type aggregateType, Guid id, params object[] events);

    StreamAction StartStream(Guid id, IEnumerable<object> events);

    StreamAction StartStream(Guid id, params object[] events);

    StreamAction StartStream<TAggregate>(IEnumerable<object> events)
        where TAggregate : class;

    StreamAction StartStream<TAggregate>(params object[] events)
        where TAggregate : class;

    StreamAction StartStream(IEnumerable<object> events);

    StreamAction StartStream(params object[] events);
}

/// <summary>Appends events in a unit of work, with checks and locks.</summary>
public interface IEventStoreOperations : IEventOperations, IQueryEventStore
{
    IEvent BuildEvent(object data);

    StreamAction Append(Guid stream, long expectedVersion, IEnumerable<object> events);

    StreamAction StartStream<TAggregate>(Guid id, IEnumerable<object> events)
        where TAggregate : class;

    Task AppendOptimistic(Guid streamId, CancellationToken token, params object[] events);

    Task AppendOptimistic(Guid streamId, params object[] events);

    Task AppendExclusive(Guid streamId, CancellationToken token, params object[] events);

    Task AppendExclusive(Guid streamId, params object[] events);

    void ArchiveStream(Guid streamId);

    Task<IEventStream<T>> FetchForWriting<T>(Guid id, CancellationToken cancellation = default)
        where T : class;

    Task<IEventStream<T>> FetchForWriting<T>(Guid id, long expectedVersion, CancellationToken cancellation = default)
        where T : class;

    Task<IEventStream<T>> FetchForExclusiveWriting<T>(Guid id, CancellationToken cancellation = default)
        where T : class;

    Task WriteToAggregate<T>(Guid id, Action<IEventStream<T>> writing, CancellationToken cancellation = default)
        where T : class;

    Task WriteToAggregate<T>(Guid id, Func<IEventStream<T>, Task> writing, CancellationToken cancellation = default)
        where T : class;

    ValueTask<T?> FetchLatest<T>(Guid id, CancellationToken cancellation = default)
        where T : class;
}
