using JasperFx.Events;

namespace JasperFx.Events
{
    /// <summary>What a unit of work does to one stream.</summary>
    public class StreamAction
    {
        internal StreamAction(Guid id, Type? aggregateType, bool isStart, long? expectedVersion)
        {
            (Id, AggregateType, IsStart, ExpectedVersionOnServer) = (id, aggregateType, isStart, expectedVersion);
        }

        public Guid Id { get; }

        public Type? AggregateType { get; }

        public long? ExpectedVersionOnServer { get; internal set; }

        public long Version { get; internal set; }

        public IReadOnlyList<IEvent> Events => Added;

        internal bool IsStart { get; set; }

        internal List<IEvent> Added { get; } = [];

        /// <summary>State that was fetched for writing, by type: inline projections go on from it without a second look.</summary>
        internal (Type Type, object? Value)? Fetched { get; set; }
    }
}

namespace Marten.Sessions
{
    internal sealed class EventStream<T>(Guid id, T? aggregate, long version, StreamAction action, Func<object, IEvent> wrap, CancellationToken ct) : IEventStream<T>
        where T : class
    {
        public T? Aggregate { get; } = aggregate;

        public long? StartingVersion { get; } = version;

        public long? CurrentVersion => version + action.Added.Count;

        public CancellationToken Cancellation { get; } = ct;

        public Guid Id { get; } = id;

        public string? Key => null;

        public IReadOnlyList<IEvent> Events => action.Added;

        public void AppendOne(object @event) => action.Added.Add(wrap(@event));

        public void AppendMany(params object[] events) => AppendMany((IEnumerable<object>)events);

        public void AppendMany(IEnumerable<object> events)
        {
            foreach (var e in events) AppendOne(e);
        }
    }
}
