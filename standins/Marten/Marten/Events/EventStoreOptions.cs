using JasperFx.Events;
using JasperFx.Events.Projections;

namespace Marten.Events
{
    /// <summary>Settings of the event store.</summary>
    public interface IEventStoreOptions
    {
        StreamIdentity StreamIdentity { get; set; }

        /// <summary>Whether a document fetched for writing is what its inline projection goes on from.</summary>
        bool UseIdentityMapForAggregates { get; set; }

        string DatabaseSchemaName { get; set; }

        MetadataConfig MetadataConfig { get; }

        TimeProvider TimeProvider { get; set; }

        EventAppendMode AppendMode { get; set; }

        IEventStoreOptions AddEventType<TEvent>();

        void AddEventType(Type eventType);

        void AddEventTypes(IEnumerable<Type> types);

        void MapEventType<TEvent>(string eventTypeName)
            where TEvent : class;

        void MapEventType(Type eventType, string eventTypeName);
    }

    /// <summary>Which metadata columns events have.</summary>
    public class MetadataConfig
    {
        internal MetadataConfig()
        {
        }

        public bool CorrelationIdEnabled { get; set; }

        public bool CausationIdEnabled { get; set; }

        public bool HeadersEnabled { get; set; }

        public void EnableAll() => CorrelationIdEnabled = CausationIdEnabled = HeadersEnabled = true;
    }

    /// <summary>What the event tables hold.</summary>
    public class EventStoreStatistics
    {
        public long EventCount { get; set; }

        public long StreamCount { get; set; }

        /// <summary>Highest sequence number ever given out.</summary>
        public long EventSequenceNumber { get; set; }
    }
}

namespace Marten.Events.Projections
{
    /// <summary>Marks projections of other kinds, which are not built here.</summary>
    public interface IProjection;

    /// <summary>Registered projections and the settings of the daemon.</summary>
    public class ProjectionOptions : ProjectionGraph<IProjection, IDocumentOperations, IQuerySession>
    {
        internal ProjectionOptions()
        {
        }
    }

    /// <summary>Documents made of events of many streams.</summary>
    public abstract class MultiStreamProjection<TDoc, TId> : JasperFx.Events.Aggregation.JasperFxMultiStreamProjectionBase<TDoc, TId, IDocumentOperations, IQuerySession>
        where TDoc : notnull
        where TId : notnull;
}

namespace Marten.Events.Aggregation
{
    /// <summary>One document for each stream.</summary>
    public class SingleStreamProjection<TDoc, TId> : JasperFx.Events.Aggregation.JasperFxSingleStreamProjectionBase<TDoc, TId, IDocumentOperations, IQuerySession>
        where TDoc : notnull
        where TId : notnull;
}
