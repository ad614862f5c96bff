using System.Text.Json;
using Marten.Events;
using Marten.Linq;
using Marten.Services.BatchQuerying;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

internal class QuerySession(StoreOptions options, SchemaWriter schema, NpgsqlDataSource database) : IQuerySession
{
    private EventReader? _events;

    protected StoreOptions Options { get; } = options;

    protected SchemaWriter Schema { get; } = schema;

    protected NpgsqlDataSource Database { get; } = database;

    public IQueryEventStore Events => _events ??= new EventReader(Options, Schema, Database);

    public async Task<T?> LoadAsync<T>(Guid id, CancellationToken token = default)
        where T : notnull => (await LoadManyAsync<T>(token, id)).FirstOrDefault();

    public Task<IReadOnlyList<T>> LoadManyAsync<T>(params Guid[] ids)
        where T : notnull => LoadManyAsync<T>(CancellationToken.None, ids);

    public async Task<IReadOnlyList<T>> LoadManyAsync<T>(CancellationToken token, params Guid[] ids)
        where T : notnull
    {
        var mapping = Options.Schema.MappingOf(typeof(T));
        await Schema.EnsureDocumentAsync(mapping, token);
        await using var command = Database.CreateCommand($"select data::text from {Options.DatabaseSchemaName}.{mapping.Table} where id = any($1)");
        command.Parameters.Add(new NpgsqlParameter { Value = ids });
        var documents = new List<T>(ids.Length);
        await using var reader = await command.ExecuteReaderAsync(token);
        while (await reader.ReadAsync(token)) documents.Add(JsonSerializer.Deserialize<T>(reader.GetString(0), Options.Json)!);
        return documents;
    }

    public IMartenQueryable<T> Query<T>()
        where T : notnull => new MartenLinqQueryable<T>(new MartenQueryProvider(Options, Schema.EnsureDocumentAsync, Database));

    public virtual IBatchedQuery CreateBatchQuery() => throw new NotSupportedException("Batches of query sessions are not built here.");

    public void Dispose()
    {
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
