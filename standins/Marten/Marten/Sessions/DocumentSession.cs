using System.Data;
using System.Linq.Expressions;
using JasperFx.Events;
using Marten.Linq;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>What is done to a document.</summary>
internal enum Change
{
    Store,
    Insert,
    Update,
    Delete,
    DeleteWhere,
}

/// <summary>A change of a document, or of all that a predicate meets.</summary>
/// <param name="Version">Revision to write; null for the next.</param>
internal sealed record DocumentChange(Change Kind, DocumentMapping Mapping, object? Id, object? Document, long? Version = null, NpgsqlBatchCommand? Where = null);

/// <summary>A unit of work: everything it holds is written in one transaction.</summary>
internal sealed partial class DocumentSession(StoreOptions options, SchemaWriter schema, NpgsqlDataSource database, bool identityMap, IsolationLevel isolation)
    : QuerySession(options, schema, database, identityMap, isolation), IDocumentSession
{
    private readonly Dictionary<string, object> _headers = new(StringComparer.Ordinal);
    private EventOperations? _events;

    public NpgsqlDataSource Database { get; } = database;

    public List<StreamAction> Streams { get; } = [];

    public List<DocumentChange> Changes { get; } = [];

    public List<NpgsqlBatchCommand> Commands { get; } = [];

    public IReadOnlyDictionary<string, object> Headers => _headers;

    public Events.IEventStoreOperations Events => _events ??= new EventOperations(this, Reader);

    public void Store<T>(IEnumerable<T> entities)
        where T : notnull => Queue(Change.Store, entities);

    public void Store<T>(params T[] entities)
        where T : notnull => Queue(Change.Store, entities);

    public void Insert<T>(IEnumerable<T> entities)
        where T : notnull => Queue(Change.Insert, entities);

    public void Insert<T>(params T[] entities)
        where T : notnull => Queue(Change.Insert, entities);

    public void Update<T>(IEnumerable<T> entities)
        where T : notnull => Queue(Change.Update, entities);

    public void Update<T>(params T[] entities)
        where T : notnull => Queue(Change.Update, entities);

    public void Delete<T>(T entity)
        where T : notnull
    {
        var mapping = Options.Schema.MappingOf(typeof(T));
        Delete(mapping, mapping.IdOf(entity));
    }

    public void Delete<T>(Guid id)
        where T : notnull => Delete(MappingOf<T>(typeof(Guid)), id);

    public void Delete<T>(string id)
        where T : notnull => Delete(MappingOf<T>(typeof(string)), id);

    public void Delete<T>(int id)
        where T : notnull => Delete(MappingOf<T>(typeof(int)), id);

    public void Delete<T>(long id)
        where T : notnull => Delete(MappingOf<T>(typeof(long)), id);

    public void DeleteWhere<T>(Expression<Func<T, bool>> expression)
        where T : notnull
    {
        var mapping = Options.Schema.MappingOf(typeof(T));
        var parameters = new List<NpgsqlParameter>();
        var where = new WhereClause(new DocumentSource<T>(this), Options.Json, parameters).Translate(expression);
        var command = new NpgsqlBatchCommand($"delete from {mapping.Table} where {where}");
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        Changes.Add(new DocumentChange(Change.DeleteWhere, mapping, null, null, Where: command));
    }

    public void QueueSqlCommand(string sql, params object[] parameterValues) => QueueSqlCommand('?', sql, parameterValues);

    public void QueueSqlCommand(char placeholder, string sql, params object[] parameterValues) =>
        Commands.Add(RawSql.Command(placeholder, sql.TrimEnd().TrimEnd(';'), parameterValues));

    public void BeginTransaction() => Connections.Begin();

    public ValueTask BeginTransactionAsync(CancellationToken token) => Connections.BeginAsync(token);

    public void SetHeader(string key, object value) => _headers[key] = value;

    public object? GetHeader(string key) => _headers.GetValueOrDefault(key);

    public void EjectAllPendingChanges()
    {
        Streams.Clear();
        Changes.Clear();
        Commands.Clear();
        _events?.Forget();
    }

    public async Task SaveChangesAsync(CancellationToken token = default)
    {
        if (Streams.TrueForAll(s => s.Events.Count == 0) && Changes.Count == 0 && Commands.Count == 0 && _events is not { Archived.Count: > 0 }) return;
        await new UnitOfWork(this, _events?.Archived ?? []).SaveAsync(token);
        EjectAllPendingChanges();
    }

    private void Queue<T>(Change kind, IEnumerable<T> entities)
        where T : notnull
    {
        foreach (var entity in entities)
        {
            var mapping = Options.Schema.MappingOf(entity.GetType());
            var id = kind == Change.Update ? mapping.IdOf(entity) : mapping.AssignId(entity);
            Changes.Add(new DocumentChange(kind, mapping, id, entity));
            Remember(mapping.Type, id, entity);
        }
    }

    private void Delete(DocumentMapping mapping, object id)
    {
        Changes.Add(new DocumentChange(Change.Delete, mapping, id, null));
        Remember(mapping.Type, id, null);
    }
}
