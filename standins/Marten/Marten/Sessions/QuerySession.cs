using System.Collections;
using System.Data;
using System.Diagnostics;
using JasperFx.Events;
using Marten.Events;
using Marten.Exceptions;
using Marten.Linq;
using Marten.Services.BatchQuerying;
using Marten.Storage;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

internal partial class QuerySession(StoreOptions options, SchemaWriter schema, NpgsqlDataSource database, bool identityMap, IsolationLevel isolation) : IQuerySession
{
    /// <summary>Documents by type and id, when this session hands out the same object for the same id.</summary>
    private readonly Dictionary<(Type, object), object>? _identities = identityMap ? [] : null;

    public StoreOptions Options { get; } = options;

    public SchemaWriter Schema { get; } = schema;

    public SessionConnection Connections { get; } = new(database, isolation);

    public NpgsqlConnection Connection => Connections.Own;

    Events.IQueryEventStore IQuerySession.Events => Reader;

    public string? CausationId { get; set; } = Activity.Current?.ParentId;

    public string? CorrelationId { get; set; } = Activity.Current?.RootId;

    protected EventReader Reader => field ??= new EventReader(this);

    public IBatchedQuery CreateBatchQuery() => new BatchedQuery(this);

    public IMartenQueryable<T> Query<T>()
        where T : notnull => new MartenLinqQueryable<T>(new MartenQueryProvider(this, new DocumentSource<T>(this)));

    public Task<bool> CheckExistsAsync<T>(Guid id, CancellationToken token = default)
        where T : notnull => ExistsAsync(typeof(T), id, token);

    public Task<bool> CheckExistsAsync<T>(string id, CancellationToken token = default)
        where T : notnull => ExistsAsync(typeof(T), id, token);

    public Task<T?> LoadAsync<T>(Guid id, CancellationToken token = default)
        where T : notnull => OneAsync<T, Guid>(id, token);

    public Task<T?> LoadAsync<T>(string id, CancellationToken token = default)
        where T : notnull => OneAsync<T, string>(id, token);

    public Task<T?> LoadAsync<T>(int id, CancellationToken token = default)
        where T : notnull => OneAsync<T, int>(id, token);

    public Task<T?> LoadAsync<T>(long id, CancellationToken token = default)
        where T : notnull => OneAsync<T, long>(id, token);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(params Guid[] ids)
        where T : notnull => ManyAsync<T, Guid>(ids, default);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<Guid> ids)
        where T : notnull => ManyAsync<T, Guid>([.. ids], default);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params Guid[] ids)
        where T : notnull => ManyAsync<T, Guid>(ids, token);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, IEnumerable<Guid> ids)
        where T : notnull => ManyAsync<T, Guid>([.. ids], token);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(params string[] ids)
        where T : notnull => ManyAsync<T, string>(ids, default);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(IEnumerable<string> ids)
        where T : notnull => ManyAsync<T, string>([.. ids], default);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params string[] ids)
        where T : notnull => ManyAsync<T, string>(ids, token);

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, IEnumerable<string> ids)
        where T : notnull => ManyAsync<T, string>([.. ids], token);

    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, CancellationToken token, params object[] parameters) => QueryAsync<T>('?', sql, token, parameters);

    public Task<IReadOnlyList<T>> QueryAsync<T>(string sql, params object[] parameters) => QueryAsync<T>('?', sql, default, parameters);

    public Task<IReadOnlyList<T>> QueryAsync<T>(char placeholder, string sql, params object[] parameters) => QueryAsync<T>(placeholder, sql, default, parameters);

    public async Task<IReadOnlyList<T>> QueryAsync<T>(char placeholder, string sql, CancellationToken token, params object[] parameters)
    {
        var query = new RawQuery<T>(this, placeholder, sql, parameters);
        await query.EnsureAsync(token);
        return await ExecuteAsync(query.Command(), query.ReadAsync, token);
    }

    public void Dispose() => Connections.Dispose();

    public ValueTask DisposeAsync() => Connections.DisposeAsync();

    /// <summary>A document as read, or the one that this session handed out before.</summary>
    public object ReadDocument(DocumentMapping mapping, object id, byte[] json)
    {
        if (_identities is not null && _identities.TryGetValue((mapping.Type, id), out var known)) return known;
        var document = Options.Json.Read(json, mapping.Type);
        Remember(mapping.Type, id, document);
        return document;
    }

    public void Remember(Type type, object id, object? document)
    {
        if (_identities is null) return;
        if (document is null) _identities.Remove((type, id));
        else _identities[(type, id)] = document;
    }

    public async Task<T> ExecuteAsync<T>(NpgsqlBatchCommand command, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, CancellationToken ct)
    {
        try
        {
            await using var lease = await Connections.OpenAsync(ct);
            await using var batch = new NpgsqlBatch(lease.Connection);
            batch.BatchCommands.Add(command);
            await using var reader = await batch.ExecuteReaderAsync(ct);
            return await read(reader, ct);
        }
        catch (PostgresException e)
        {
            throw new MartenCommandException(null, e);
        }
    }

    /// <summary>Several commands with one result set each, in one round trip.</summary>
    public async Task ExecuteAsync(IReadOnlyList<(NpgsqlBatchCommand Command, Func<NpgsqlDataReader, CancellationToken, Task> Read)> reads, CancellationToken ct)
    {
        if (reads.Count == 0) return;
        try
        {
            await using var lease = await Connections.OpenAsync(ct);
            await using var batch = new NpgsqlBatch(lease.Connection);
            foreach (var (command, _) in reads) batch.BatchCommands.Add(command);
            await using var reader = await batch.ExecuteReaderAsync(ct);
            for (var i = 0; i < reads.Count; i++)
            {
                if (i > 0) await reader.NextResultAsync(ct);
                await reads[i].Read(reader, ct);
            }
        }
        catch (PostgresException e)
        {
            throw new MartenCommandException(null, e);
        }
    }

    public NpgsqlBatchCommand ByIds(DocumentMapping mapping, object ids)
    {
        var command = new NpgsqlBatchCommand($"select id, data from {mapping.Table} where id = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = ids, NpgsqlDbType = NpgsqlDbType.Array | mapping.IdDbType });
        return command;
    }

    public DocumentMapping MappingOf<T>(Type id)
    {
        var mapping = Options.Schema.MappingOf(typeof(T));
        return mapping.IdType == id ? mapping : throw new InvalidOperationException($"Documents of {typeof(T)} have ids of type {mapping.IdType}, not {id}.");
    }

    private async Task<bool> ExistsAsync(Type type, object id, CancellationToken ct)
    {
        var mapping = Options.Schema.MappingOf(type);
        await Schema.EnsureDocumentAsync(mapping, ct);
        var command = new NpgsqlBatchCommand($"select exists (select 1 from {mapping.Table} where id = $1)");
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        return await ExecuteAsync(
            command,
            async (reader, token) =>
            {
                await reader.ReadAsync(token);
                return reader.GetBoolean(0);
            },
            ct);
    }

    private async Task<T?> OneAsync<T, TId>(TId id, CancellationToken ct)
        where T : notnull
        where TId : notnull
    {
        if (_identities is not null && _identities.TryGetValue((typeof(T), id), out var known)) return (T)known;
        return (await ManyAsync<T, TId>([id], ct)).FirstOrDefault();
    }

    private async Task<IReadOnlyList<T>> ManyAsync<T, TId>(TId[] ids, CancellationToken ct)
        where T : notnull
    {
        var mapping = MappingOf<T>(typeof(TId));
        await Schema.EnsureDocumentAsync(mapping, ct);
        var source = new DocumentSource<T>(this);
        return await ExecuteAsync(ByIds(mapping, ids), (reader, token) => MartenQueryProvider.ReadRowsAsync<T>(source, reader, token), ct);
    }
}
