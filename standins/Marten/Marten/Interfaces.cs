using System.Linq.Expressions;
using JasperFx;
using JasperFx.Events;
using JasperFx.Events.Daemon;
using Marten.Linq;
using Marten.Services.BatchQuerying;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Marten
{
    /// <summary>The event store and document database.</summary>
    public interface IDocumentStore : IDisposable, IAsyncDisposable
    {
        IMartenStorage Storage { get; }

        AdvancedOperations Advanced { get; }

        IDocumentSession LightweightSession(System.Data.IsolationLevel isolationLevel = System.Data.IsolationLevel.ReadCommitted);

        IDocumentSession IdentitySession(System.Data.IsolationLevel isolationLevel = System.Data.IsolationLevel.ReadCommitted);

        IQuerySession QuerySession();

        ValueTask<IProjectionDaemon> BuildProjectionDaemonAsync(string? tenantIdOrDatabaseIdentifier = null, ILogger? logger = null);
    }

    /// <summary>Schema operations.</summary>
    public interface IMartenStorage
    {
        Task ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate? @override = null);
    }

    /// <summary>Reads documents and events.</summary>
    public interface IQuerySession : IDisposable, IAsyncDisposable
    {
        /// <summary>The session's own connection; using it begins the session's transaction.</summary>
        NpgsqlConnection Connection { get; }

        Events.IQueryEventStore Events { get; }

        string? CausationId { get; set; }

        string? CorrelationId { get; set; }

        Task<bool> CheckExistsAsync<T>(Guid id, CancellationToken token = default)
            where T : notnull;

        Task<bool> CheckExistsAsync<T>(string id, CancellationToken token = default)
            where T : notnull;

        Task<T?> LoadAsync<T>(string id, CancellationToken token = default)
            where T : notnull;

        Task<T?> LoadAsync<T>(int id, CancellationToken token = default)
            where T : notnull;

        Task<T?> LoadAsync<T>(long id, CancellationToken token = default)
            where T : notnull;

        Task<T?> LoadAsync<T>(Guid id, CancellationToken token = default)
            where T : notnull;

        IMartenQueryable<T> Query<T>()
            where T : notnull;

        Task<IReadOnlyList<T>> QueryAsync<T>(string sql, CancellationToken token, params object[] parameters);

        Task<IReadOnlyList<T>> QueryAsync<T>(char placeholder, string sql, CancellationToken token, params object[] parameters);

        Task<IReadOnlyList<T>> QueryAsync<T>(string sql, params object[] parameters);

        Task<IReadOnlyList<T>> QueryAsync<T>(char placeholder, string sql, params object[] parameters);

        IBatchedQuery CreateBatchQuery();

        Task<IReadOnlyList<T>> LoadManyAsync<T>(params string[] ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<string> ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(params Guid[] ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<Guid> ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params string[] ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, IEnumerable<string> ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params Guid[] ids)
            where T : notnull;

        Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, IEnumerable<Guid> ids)
            where T : notnull;
    }

    /// <summary>Queues changes.</summary>
    public interface IDocumentOperations : IQuerySession, IStorageOperations
    {
        new Events.IEventStoreOperations Events { get; }

        void Delete<T>(T entity)
            where T : notnull;

        void Delete<T>(int id)
            where T : notnull;

        void Delete<T>(long id)
            where T : notnull;

        void Delete<T>(Guid id)
            where T : notnull;

        void Delete<T>(string id)
            where T : notnull;

        void DeleteWhere<T>(Expression<Func<T, bool>> expression)
            where T : notnull;

        void Store<T>(IEnumerable<T> entities)
            where T : notnull;

        void Store<T>(params T[] entities)
            where T : notnull;

        void Insert<T>(IEnumerable<T> entities)
            where T : notnull;

        void Insert<T>(params T[] entities)
            where T : notnull;

        void Update<T>(IEnumerable<T> entities)
            where T : notnull;

        void Update<T>(params T[] entities)
            where T : notnull;

        void QueueSqlCommand(string sql, params object[] parameterValues);

        void QueueSqlCommand(char placeholder, string sql, params object[] parameterValues);
    }

    /// <summary>A unit of work: everything it holds is written in one transaction.</summary>
    public interface IDocumentSession : IDocumentOperations
    {
        new Events.IEventStoreOperations Events { get; }

        void BeginTransaction();

        ValueTask BeginTransactionAsync(CancellationToken token);

        Task SaveChangesAsync(CancellationToken token = default);

        /// <summary>Sets a header of every event of this session.</summary>
        void SetHeader(string key, object value);

        object? GetHeader(string key);

        void EjectAllPendingChanges();
    }
}

namespace Marten.Events
{
    /// <summary>Reads events by stream.</summary>
    public interface IQueryEventStore : JasperFx.Events.IQueryEventStore
    {
        IMartenQueryable<T> QueryRawEventDataOnly<T>()
            where T : notnull;

        IMartenQueryable<IEvent> QueryAllRawEvents();
    }

    /// <summary>Appends events in a unit of work.</summary>
    public interface IEventOperations : JasperFx.Events.IEventOperations;

    /// <summary>Appends events in a unit of work, with checks and locks.</summary>
    public interface IEventStoreOperations : JasperFx.Events.IEventStoreOperations, IEventOperations, IQueryEventStore;
}

namespace Marten.Services.BatchQuerying
{
    /// <summary>Event reads of a batch.</summary>
    public interface IBatchEvents
    {
        Task<StreamState> FetchStreamState(Guid streamId);

        Task<IReadOnlyList<IEvent>> FetchStream(Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0);

        Task<IEventStream<T>> FetchForWriting<T>(Guid id)
            where T : class;

        Task<IEventStream<T>> FetchForWriting<T>(Guid id, long expectedVersion)
            where T : class;
    }

    /// <summary>Several reads in one round trip.</summary>
    public interface IBatchedQuery
    {
        IBatchEvents Events { get; }

        Task<T?> Load<T>(string id)
            where T : class;

        Task<T?> Load<T>(int id)
            where T : class;

        Task<T?> Load<T>(long id)
            where T : class;

        Task<T?> Load<T>(Guid id)
            where T : class;

        Task<IReadOnlyList<T>> Query<T>(string sql, params object[] parameters)
            where T : class;

        IBatchedQueryable<T> Query<T>()
            where T : class;

        Task Execute(CancellationToken token = default);
    }

    /// <summary>Ends of a query in a batch.</summary>
    public interface IBatchedFetcher<T>
    {
        Task<long> Count();

        Task<bool> Any();

        Task<IReadOnlyList<T>> ToList();

        Task<T> First();

        Task<T?> FirstOrDefault();

        Task<T> Single();

        Task<T?> SingleOrDefault();
    }

    /// <summary>A query in a batch.</summary>
    public interface IBatchedQueryable<T> : IBatchedFetcher<T>
    {
        IBatchedQueryable<T> Where(Expression<Func<T, bool>> predicate);

        IBatchedQueryable<T> Skip(int count);

        IBatchedQueryable<T> Take(int count);

        IBatchedOrderedQueryable<T> OrderBy<TKey>(Expression<Func<T, TKey>> expression);

        IBatchedOrderedQueryable<T> OrderByDescending<TKey>(Expression<Func<T, TKey>> expression);
    }

    /// <summary>An ordered query in a batch.</summary>
    public interface IBatchedOrderedQueryable<T> : IBatchedQueryable<T>
    {
        IBatchedOrderedQueryable<T> ThenBy<TKey>(Expression<Func<T, TKey>> expression);

        IBatchedOrderedQueryable<T> ThenByDescending<TKey>(Expression<Func<T, TKey>> expression);
    }
}
