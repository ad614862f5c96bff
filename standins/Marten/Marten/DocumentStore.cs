using System.Data;
using JasperFx;
using JasperFx.Events.Daemon;
using Marten.Daemon;
using Marten.Sessions;
using Marten.Storage;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Marten;

/// <summary>The event store and document database over one PostgreSQL.</summary>
public class DocumentStore : IDocumentStore, IMartenStorage
{
    public DocumentStore(StoreOptions options)
    {
        StoreOptions = options;
        Database = options.OpenDataSource();
        Schema = new SchemaWriter(options, Database);
        Advanced = new AdvancedOperations(this);
        foreach (var aggregation in options.Projections.Aggregations) options.Schema.MappingOf(aggregation.DocumentType);
    }

    public IMartenStorage Storage => this;

    public AdvancedOperations Advanced { get; }

    internal StoreOptions StoreOptions { get; }

    internal NpgsqlDataSource Database { get; }

    internal SchemaWriter Schema { get; }

    public static DocumentStore For(Action<StoreOptions> configure)
    {
        var options = new StoreOptions();
        configure(options);
        return new DocumentStore(options);
    }

    public static DocumentStore For(string connectionString) => For(options => options.Connection(connectionString));

    public IDocumentSession LightweightSession(IsolationLevel isolationLevel = IsolationLevel.ReadCommitted) =>
        new DocumentSession(StoreOptions, Schema, Database, identityMap: false, isolationLevel);

    public IDocumentSession IdentitySession(IsolationLevel isolationLevel = IsolationLevel.ReadCommitted) =>
        new DocumentSession(StoreOptions, Schema, Database, identityMap: true, isolationLevel);

    public IQuerySession QuerySession() => new QuerySession(StoreOptions, Schema, Database, identityMap: false, IsolationLevel.ReadCommitted);

    public ValueTask<IProjectionDaemon> BuildProjectionDaemonAsync(string? tenantIdOrDatabaseIdentifier = null, ILogger? logger = null) =>
        ValueTask.FromResult<IProjectionDaemon>(new ProjectionDaemon(this, logger ?? NullLogger.Instance));

    public Task ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate? @override = null) => Schema.ApplyAllAsync(CancellationToken.None);

    public void Dispose()
    {
        if (StoreOptions.OwnsDataSource) Database.Dispose();
        GC.SuppressFinalize(this);
    }

    public async ValueTask DisposeAsync()
    {
        if (StoreOptions.OwnsDataSource) await Database.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
