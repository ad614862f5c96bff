using System.Linq.Expressions;
using JasperFx.Events;
using Marten.Linq;
using Marten.Services.BatchQuerying;
using Npgsql;

namespace Marten.Sessions;

/// <summary>Several reads in one round trip.</summary>
internal sealed class BatchedQuery(QuerySession session) : IBatchedQuery, IBatchEvents
{
    private readonly List<(Func<CancellationToken, ValueTask> Ensure, NpgsqlBatchCommand Command, Func<NpgsqlDataReader, CancellationToken, Task> Read)> _reads = [];
    private readonly List<Action<Exception>> _failures = [];
    private readonly List<Action<CancellationToken>> _streams = [];
    private StreamFetch? _fetch;

    public IBatchEvents Events => this;

    public Task<T?> Load<T>(Guid id)
        where T : class => LoadOne<T, Guid>(id);

    public Task<T?> Load<T>(string id)
        where T : class => LoadOne<T, string>(id);

    public Task<T?> Load<T>(int id)
        where T : class => LoadOne<T, int>(id);

    public Task<T?> Load<T>(long id)
        where T : class => LoadOne<T, long>(id);

    public Task<IReadOnlyList<T>> Query<T>(string sql, params object[] parameters)
        where T : class
    {
        var query = new RawQuery<T>(session, '?', sql, parameters);
        return Add(query.EnsureAsync, query.Command(), query.ReadAsync);
    }

    public IBatchedQueryable<T> Query<T>()
        where T : class => new BatchedQueryable<T>(this, session.Query<T>());

    public Task<StreamState> FetchStreamState(Guid streamId)
    {
        var reader = new EventReader(session);
        return Add(session.Schema.EnsureEventsAsync, reader.StateCommand(streamId), async (rows, ct) => (await reader.ReadStateAsync(rows, ct))!);
    }

    public Task<IReadOnlyList<IEvent>> FetchStream(Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0)
    {
        var reader = new EventReader(session);
        return Add(session.Schema.EnsureEventsAsync, reader.StreamCommand(streamId, version, timestamp, fromVersion), reader.ReadEventsAsync);
    }

    public Task<IEventStream<T>> FetchForWriting<T>(Guid id)
        where T : class => Fetch<T>(id, null);

    public Task<IEventStream<T>> FetchForWriting<T>(Guid id, long expectedVersion)
        where T : class => Fetch<T>(id, expectedVersion);

    public async Task Execute(CancellationToken token = default)
    {
        try
        {
            if (_fetch is not null) await _fetch.EnsureAsync(token);
            foreach (var (ensure, _, _) in _reads) await ensure(token);
            await session.ExecuteAsync([.. _fetch?.Reads() ?? [], .. _reads.Select(r => (r.Command, r.Read))], token);
            foreach (var complete in _streams) complete(token);
        }
        catch (Exception e)
        {
            foreach (var fail in _failures) fail(e);
            throw;
        }
        finally
        {
            _reads.Clear();
            _failures.Clear();
            _streams.Clear();
            _fetch = null;
        }
    }

    internal Task<T> Add<T>(Func<CancellationToken, ValueTask> ensure, NpgsqlBatchCommand command, Func<NpgsqlDataReader, CancellationToken, Task<T>> read)
    {
        var result = Pending<T>();
        _reads.Add((ensure, command, async (reader, ct) => result.SetResult(await read(reader, ct))));
        return result.Task;
    }

    private TaskCompletionSource<T> Pending<T>()
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _failures.Add(e => result.TrySetException(e));
        return result;
    }

    private Task<IEventStream<T>> Fetch<T>(Guid id, long? expectedVersion)
        where T : class
    {
        var writer = session as DocumentSession ?? throw new InvalidOperationException("Only a document session fetches streams for writing.");
        _fetch ??= new StreamFetch(writer, exclusive: false);
        _fetch.Check(typeof(T));
        var state = _fetch.Add(typeof(T), id);
        var result = Pending<IEventStream<T>>();
        _streams.Add(ct => result.SetResult(((EventOperations)writer.Events).Opened<T>(state, expectedVersion, ct)));
        return result.Task;
    }

    private Task<T?> LoadOne<T, TId>(TId id)
        where T : class
        where TId : notnull
    {
        var mapping = session.MappingOf<T>(typeof(TId));
        var source = new DocumentSource<T>(session);
        return Add(source.EnsureAsync, session.ByIds(mapping, new[] { id }), async (reader, ct) => (await MartenQueryProvider.ReadRowsAsync<T>(source, reader, ct)).FirstOrDefault());
    }
}

/// <summary>A query in a batch.</summary>
internal sealed class BatchedQueryable<T>(BatchedQuery batch, IQueryable<T> queryable) : IBatchedOrderedQueryable<T>
{
    private MartenQueryProvider Provider => (MartenQueryProvider)queryable.Provider;

    public IBatchedQueryable<T> Where(Expression<Func<T, bool>> predicate) => new BatchedQueryable<T>(batch, queryable.Where(predicate));

    public IBatchedQueryable<T> Skip(int count) => new BatchedQueryable<T>(batch, queryable.Skip(count));

    public IBatchedQueryable<T> Take(int count) => new BatchedQueryable<T>(batch, queryable.Take(count));

    public IBatchedOrderedQueryable<T> OrderBy<TKey>(Expression<Func<T, TKey>> expression) => new BatchedQueryable<T>(batch, queryable.OrderBy(expression));

    public IBatchedOrderedQueryable<T> OrderByDescending<TKey>(Expression<Func<T, TKey>> expression) => new BatchedQueryable<T>(batch, queryable.OrderByDescending(expression));

    public IBatchedOrderedQueryable<T> ThenBy<TKey>(Expression<Func<T, TKey>> expression) =>
        new BatchedQueryable<T>(batch, ((IOrderedQueryable<T>)queryable).ThenBy(expression));

    public IBatchedOrderedQueryable<T> ThenByDescending<TKey>(Expression<Func<T, TKey>> expression) =>
        new BatchedQueryable<T>(batch, ((IOrderedQueryable<T>)queryable).ThenByDescending(expression));

    public Task<IReadOnlyList<T>> ToList() => Rows(null, rows => rows);

    public Task<T> First() => Rows(1, rows => rows.First());

    public Task<T?> FirstOrDefault() => Rows(1, rows => rows.FirstOrDefault());

    public Task<T> Single() => Rows(2, rows => rows.Single());

    public Task<T?> SingleOrDefault() => Rows(2, rows => rows.SingleOrDefault());

    public Task<long> Count() => Scalar<long>(Fetch.Count);

    public Task<bool> Any() => Scalar<bool>(Fetch.Any);

    private Task<TResult> Rows<TResult>(int? most, Func<IReadOnlyList<T>, TResult> end) => batch.Add(
        Provider.Source.EnsureAsync,
        Provider.Command(queryable.Expression, Fetch.Rows, most),
        async (reader, ct) => end(await MartenQueryProvider.ReadRowsAsync<T>(Provider.Source, reader, ct)));

    private Task<TResult> Scalar<TResult>(Fetch fetch) => batch.Add(
        Provider.Source.EnsureAsync,
        Provider.Command(queryable.Expression, fetch),
        async (reader, ct) =>
        {
            await reader.ReadAsync(ct);
            return reader.GetFieldValue<TResult>(0);
        });
}
