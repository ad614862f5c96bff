using System.Text.Json;
using JasperFx.Events;
using Marten.Services.BatchQuerying;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>Loads many streams' states in one round trip: versions first, then documents, so that a document is never older than its version.</summary>
internal sealed class BatchedQuery(DocumentSession session, StoreOptions options, SchemaWriter schema, NpgsqlDataSource database) : IBatchedQuery, IBatchEvents
{
    private interface IPending
    {
        Guid Id { get; }

        Type Type { get; }

        void Complete(long version, string? json, CancellationToken ct);

        void Fail(Exception e);
    }

    private sealed class PendingStream<T>(Guid id, DocumentSession session, StoreOptions options) : IPending
        where T : class
    {
        private readonly TaskCompletionSource<IEventStream<T>> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IEventStream<T>> Task => _result.Task;

        public Guid Id { get; } = id;

        public Type Type => typeof(T);

        public void Complete(long version, string? json, CancellationToken ct) =>
            _result.SetResult(session.Fetched(Id, json is null ? null : JsonSerializer.Deserialize<T>(json, options.Json), version, ct));

        public void Fail(Exception e) => _result.TrySetException(e);
    }

    private sealed class PendingDocument<T>(Guid id, StoreOptions options) : IPending
        where T : class
    {
        private readonly TaskCompletionSource<T?> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T?> Task => _result.Task;

        public Guid Id { get; } = id;

        public Type Type => typeof(T);

        public void Complete(long version, string? json, CancellationToken ct) => _result.SetResult(json is null ? null : JsonSerializer.Deserialize<T>(json, options.Json));

        public void Fail(Exception e) => _result.TrySetException(e);
    }

    private readonly List<IPending> _pending = [];

    public IBatchEvents Events => this;

    public Task<IEventStream<T>> FetchForWriting<T>(Guid id)
        where T : class
    {
        if (options.Projections.All.All(p => p.Projection.DocumentType != typeof(T))) throw new NotSupportedException($"{typeof(T)} has no inline projection; live aggregation in batches is not built here.");
        var pending = new PendingStream<T>(id, session, options);
        _pending.Add(pending);
        return pending.Task;
    }

    public Task<T?> Load<T>(Guid id)
        where T : class
    {
        var pending = new PendingDocument<T>(id, options);
        _pending.Add(pending);
        return pending.Task;
    }

    public async Task Execute(CancellationToken token = default)
    {
        if (_pending.Count == 0) return;
        try
        {
            await ExecuteCoreAsync(token);
        }
        catch (Exception e)
        {
            foreach (var pending in _pending) pending.Fail(e);
            throw;
        }
        finally
        {
            _pending.Clear();
        }
    }

    private async Task ExecuteCoreAsync(CancellationToken token)
    {
        await schema.EnsureEventsAsync(token);
        var types = _pending.Select(p => p.Type).Distinct().ToList();
        foreach (var type in types) await schema.EnsureDocumentAsync(options.Schema.MappingOf(type), token);
        await using var connection = await database.OpenConnectionAsync(token);
        await using var batch = new NpgsqlBatch(connection);
        var versions = new NpgsqlBatchCommand($"select id, version from {options.EventSchema}.mt_streams where id = any($1)");
        versions.Parameters.Add(new NpgsqlParameter { Value = _pending.Select(p => p.Id).Distinct().ToArray() });
        batch.BatchCommands.Add(versions);
        foreach (var type in types)
        {
            var documents = new NpgsqlBatchCommand($"select id, data::text from {options.DatabaseSchemaName}.{options.Schema.MappingOf(type).Table} where id = any($1)");
            documents.Parameters.Add(new NpgsqlParameter { Value = _pending.Where(p => p.Type == type).Select(p => p.Id).Distinct().ToArray() });
            batch.BatchCommands.Add(documents);
        }

        var versionOf = new Dictionary<Guid, long>();
        var jsonOf = new Dictionary<(Type, Guid), string>();
        await using (var reader = await batch.ExecuteReaderAsync(token))
        {
            while (await reader.ReadAsync(token)) versionOf[reader.GetGuid(0)] = reader.GetInt64(1);
            foreach (var type in types)
            {
                await reader.NextResultAsync(token);
                while (await reader.ReadAsync(token)) jsonOf[(type, reader.GetGuid(0))] = reader.GetString(1);
            }
        }

        foreach (var pending in _pending) pending.Complete(versionOf.GetValueOrDefault(pending.Id), jsonOf.GetValueOrDefault((pending.Type, pending.Id)), token);
    }
}
