using System.Linq.Expressions;
using System.Text.Json;
using System.Text.Json.Serialization;
using JasperFx;
using JasperFx.Events;
using JasperFx.Events.Projections;
using Marten.Events.Aggregation;
using Marten.Storage;
using Npgsql;

namespace Marten
{
    /// <summary>How enums are stored.</summary>
    public enum EnumStorage
    {
        AsInteger,
        AsString,
    }

    /// <summary>How member names are stored.</summary>
    public enum Casing
    {
        Default,
        CamelCase,
        SnakeCase,
    }

    /// <summary>Everything a store is told at its start.</summary>
    public class StoreOptions
    {
        private Func<NpgsqlDataSource>? _dataSource;

        public string DatabaseSchemaName { get; set; } = "public";

        public AutoCreate AutoCreateSchemaObjects { get; set; } = AutoCreate.CreateOrUpdate;

        public IEventStoreOptions Events => EventGraph;

        public ProjectionOptions Projections { get; } = new();

        public MartenRegistry Schema { get; } = new();

        internal EventGraph EventGraph { get; } = new();

        internal JsonSerializerOptions Json { get; private set; } = new();

        internal string EventSchema => EventGraph.DatabaseSchemaName ?? DatabaseSchemaName;

        public void Connection(string connectionString) => _dataSource = () => NpgsqlDataSource.Create(connectionString);

        public void Connection(NpgsqlDataSource dataSource) => _dataSource = () => dataSource;

        public void UseSystemTextJsonForSerialization(
            EnumStorage enumStorage = EnumStorage.AsInteger, Casing casing = Casing.Default, Action<JsonSerializerOptions>? configure = null) =>
            UseSystemTextJsonForSerialization(null, enumStorage, casing, configure);

        public void UseSystemTextJsonForSerialization(
            JsonSerializerOptions? options, EnumStorage enumStorage = EnumStorage.AsInteger, Casing casing = Casing.Default, Action<JsonSerializerOptions>? configure = null)
        {
            var json = options is null ? new JsonSerializerOptions() : new JsonSerializerOptions(options);
            json.PropertyNamingPolicy = casing switch
            {
                Casing.CamelCase => JsonNamingPolicy.CamelCase,
                Casing.SnakeCase => JsonNamingPolicy.SnakeCaseLower,
                _ => null,
            };
            if (enumStorage == EnumStorage.AsString) json.Converters.Add(new JsonStringEnumConverter());
            configure?.Invoke(json);
            Json = json;
        }

        internal NpgsqlDataSource OpenDataSource() => (_dataSource ?? throw new InvalidOperationException("No connection is set: call StoreOptions.Connection."))();
    }

    /// <summary>Settings of the event store.</summary>
    public interface IEventStoreOptions
    {
        string? DatabaseSchemaName { get; set; }

        StreamIdentity StreamIdentity { get; set; }

        EventAppendMode AppendMode { get; set; }

        bool UseIdentityMapForAggregates { get; set; }

        MetadataConfig MetadataConfig { get; }

        void MapEventType<TEvent>(string eventTypeName)
            where TEvent : class;

        void MapEventType(Type eventType, string eventTypeName);

        void AddEventType<T>();

        void AddEventType(Type eventType);
    }

    /// <summary>Which metadata columns events have.</summary>
    public class MetadataConfig
    {
        public bool HeadersEnabled { get; set; }

        public bool CausationIdEnabled { get; set; }

        public bool CorrelationIdEnabled { get; set; }
    }

    /// <summary>Registered projections.</summary>
    public class ProjectionOptions
    {
        internal List<(AggregateProjection Projection, ProjectionLifecycle Lifecycle)> All { get; } = [];

        public ErrorHandlingOptions Errors { get; } = new();

        public void Add<TDoc, TId>(SingleStreamProjection<TDoc, TId> projection, ProjectionLifecycle lifecycle)
            where TDoc : notnull
            where TId : notnull
        {
            if (lifecycle == ProjectionLifecycle.Async) throw new NotSupportedException("Asynchronous projections are not built here yet.");
            All.Add((projection, lifecycle));
        }
    }

    /// <summary>What a running projection skips.</summary>
    public class ErrorHandlingOptions
    {
        public bool SkipApplyErrors { get; set; } = true;

        public bool SkipSerializationErrors { get; set; } = true;

        public bool SkipUnknownEvents { get; set; } = true;
    }

    /// <summary>How documents are stored.</summary>
    public class MartenRegistry
    {
        internal Dictionary<Type, DocumentMapping> Mappings { get; } = [];

        public DocumentMappingExpression<T> For<T>()
            where T : notnull => new(MappingOf(typeof(T)));

        internal DocumentMapping MappingOf(Type type)
        {
            lock (Mappings)
            {
                if (!Mappings.TryGetValue(type, out var mapping)) Mappings[type] = mapping = new DocumentMapping(type);
                return mapping;
            }
        }

        /// <summary>Settings of one document type.</summary>
        public class DocumentMappingExpression<T>
            where T : notnull
        {
            private readonly DocumentMapping _mapping;

            internal DocumentMappingExpression(DocumentMapping mapping) => _mapping = mapping;

            public DocumentMappingExpression<T> Index(Expression<Func<T, object?>> expression)
            {
                _mapping.Indexes.Add(Linq.WhereClause.MemberPath(expression.Body));
                return this;
            }
        }
    }
}
