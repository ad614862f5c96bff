using System.Text.Json;
using JasperFx;
using Marten.Events;
using Marten.Events.Projections;
using Marten.Services;
using Marten.Storage;
using Npgsql;
using Weasel.Core;

namespace Marten;

/// <summary>Everything a store is told at its start.</summary>
public class StoreOptions
{
    public readonly MartenRegistry Schema;
    private Func<NpgsqlDataSource>? _open;

    public StoreOptions()
    {
        Schema = new MartenRegistry(this);
        EventGraph = new EventGraph(this);
    }

    public string DatabaseSchemaName { get; set; } = "public";

    public AutoCreate AutoCreateSchemaObjects { get; set; } = AutoCreate.CreateOrUpdate;

    public IEventStoreOptions Events => EventGraph;

    public ProjectionOptions Projections { get; } = new();

    internal EventGraph EventGraph { get; }

    internal DocumentJson Json { get; private set; } = new();

    /// <summary>Whether the store closes its data source: not one that the caller brought.</summary>
    internal bool OwnsDataSource { get; private set; }

    public void Connection(string connectionString) => (_open, OwnsDataSource) = (() => NpgsqlDataSource.Create(connectionString), true);

    public void Connection(NpgsqlDataSource dataSource) => (_open, OwnsDataSource) = (() => dataSource, false);

    public void UseSystemTextJsonForSerialization(
        EnumStorage enumStorage = EnumStorage.AsInteger, Casing casing = Casing.Default, Action<JsonSerializerOptions>? configure = null) =>
        UseSystemTextJsonForSerialization(null, enumStorage, casing, configure);

    public void UseSystemTextJsonForSerialization(
        JsonSerializerOptions? options, EnumStorage enumStorage = EnumStorage.AsInteger, Casing casing = Casing.Default, Action<JsonSerializerOptions>? configure = null) =>
        Json = new DocumentJson(options, enumStorage, casing, configure);

    internal NpgsqlDataSource OpenDataSource() => (_open ?? throw new InvalidOperationException("No connection is set: call StoreOptions.Connection."))();
}
