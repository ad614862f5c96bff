using JasperFx;
using JasperFx.Events;
using Marten.Linq;
using Marten.Services.BatchQuerying;

namespace Marten
{
    /// <summary>The event store and document database.</summary>
    public interface IDocumentStore : IDisposable, IAsyncDisposable
    {
        IMartenStorage Storage { get; }

        IAdvancedOperations Advanced { get; }

        IDocumentSession LightweightSession();

        IQuerySession QuerySession();
    }

    /// <summary>Schema operations.</summary>
    public interface IMartenStorage
    {
        Task ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate? @override = null);
    }

    /// <summary>Operations for tests and administrators.</summary>
    public interface IAdvancedOperations
    {
        Task ResetAllData(CancellationToken cancellation = default);
    }

    /// <summary>Reads documents and events.</summary>
    public interface IQuerySession : IDisposable, IAsyncDisposable
    {
        Events.IQueryEventStore Events { get; }

        Task<T?> LoadAsync<T>(Guid id, CancellationToken token = default)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(params Guid[] ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params Guid[] ids)
            where T : notnull;

        IMartenQueryable<T> Query<T>()
            where T : notnull;

        IBatchedQuery CreateBatchQuery();
    }

    /// <summary>A unit of work.</summary>
    public interface IDocumentSession : IQuerySession
    {
        new Events.IEventStoreOperations Events { get; }

        void Store<T>(params T[] entities)
            where T : notnull;

        void Delete<T>(Guid id)
            where T : notnull;

        void QueueSqlCommand(string sql, params object[] parameterValues);

        void QueueSqlCommand(char placeholder, string sql, params object[] parameterValues);

        Task SaveChangesAsync(CancellationToken token = default);
    }
}

namespace Marten.Events
{
    /// <summary>Reads events.</summary>
    public interface IQueryEventStore
    {
        Task<IReadOnlyList<IEvent>> FetchStreamAsync(
            Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default);

        Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default);

        Task<T?> AggregateStreamAsync<T>(
            Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
            where T : class;
    }

    /// <summary>Appends events in a unit of work.</summary>
    public interface IEventStoreOperations : IQueryEventStore
    {
        StreamAction StartStream(Guid id, params object[] events);

        StreamAction StartStream<TAggregate>(Guid id, params object[] events)
            where TAggregate : class;

        StreamAction Append(Guid stream, params object[] events);

        StreamAction Append(Guid stream, long expectedVersion, params object[] events);

        IEvent BuildEvent(object data);

        Task<IEventStream<T>> FetchForWriting<T>(Guid id, CancellationToken cancellation = default)
            where T : class;
    }

    /// <summary>Where a stream stands.</summary>
    public class StreamState
    {
        public Guid Id { get; set; }

        public long Version { get; set; }

        public DateTimeOffset LastTimestamp { get; set; }

        public DateTimeOffset Created { get; set; }

        public bool IsArchived { get; set; }
    }
}

namespace Marten.Services.BatchQuerying
{
    /// <summary>Several reads in one round trip.</summary>
    public interface IBatchedQuery
    {
        IBatchEvents Events { get; }

        Task<T?> Load<T>(Guid id)
            where T : class;

        Task Execute(CancellationToken token = default);
    }

    /// <summary>Event reads of a batch.</summary>
    public interface IBatchEvents
    {
        Task<IEventStream<T>> FetchForWriting<T>(Guid id)
            where T : class;
    }
}
