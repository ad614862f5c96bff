using JasperFx;
using Marten.Sessions;
using Marten.Storage;
using Npgsql;

namespace Marten;

/// <summary>The event store and document database over one PostgreSQL.</summary>
public class DocumentStore : IDocumentStore, IMartenStorage, IAdvancedOperations
{
    private readonly StoreOptions _options;
    private readonly NpgsqlDataSource _database;
    private readonly SchemaWriter _schema;

    public DocumentStore(StoreOptions options)
    {
        _options = options;
        _database = options.OpenDataSource();
        _schema = new SchemaWriter(options, _database);
        foreach (var (projection, _) in options.Projections.All) options.Schema.MappingOf(projection.DocumentType).HasNumericRevision = true;
    }

    public IMartenStorage Storage => this;

    public IAdvancedOperations Advanced => this;

    public static DocumentStore For(Action<StoreOptions> configure)
    {
        var options = new StoreOptions();
        configure(options);
        return new DocumentStore(options);
    }

    public static DocumentStore For(string connectionString) => For(options => options.Connection(connectionString));

    public IDocumentSession LightweightSession() => new DocumentSession(_options, _schema, _database);

    public IQuerySession QuerySession() => new QuerySession(_options, _schema, _database);

    public Task ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate? @override = null) => _schema.ApplyAllAsync(CancellationToken.None);

    public async Task ResetAllData(CancellationToken cancellation = default)
    {
        await _schema.ApplyAllAsync(cancellation);
        var tables = new List<string> { $"{_options.EventSchema}.mt_streams", $"{_options.EventSchema}.mt_events", $"{_options.EventSchema}.mt_event_progression" };
        lock (_options.Schema.Mappings) tables.AddRange(_options.Schema.Mappings.Values.Select(m => $"{_options.DatabaseSchemaName}.{m.Table}"));
        await using var command = _database.CreateCommand($"truncate {string.Join(", ", tables)} cascade");
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public void Dispose()
    {
        _database.Dispose();
        GC.SuppressFinalize(this);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
