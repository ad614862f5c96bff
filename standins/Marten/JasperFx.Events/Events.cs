namespace JasperFx.Events
{
    /// <summary>Kind of stream ids.</summary>
    public enum StreamIdentity
    {
        AsGuid,
        AsString,
    }

    /// <summary>How events are appended.</summary>
    public enum EventAppendMode
    {
        Rich,
        Quick,
        QuickWithServerTimestamps,
    }

    /// <summary>An event with its metadata.</summary>
    public interface IEvent
    {
        Guid Id { get; set; }
        long Version { get; set; }
        long Sequence { get; set; }
        object Data { get; }
        Guid StreamId { get; set; }
        string? StreamKey { get; set; }
        DateTimeOffset Timestamp { get; set; }
        string TenantId { get; set; }
        Type EventType { get; }
        string EventTypeName { get; set; }
        string DotNetTypeName { get; set; }
        string? CausationId { get; set; }
        string? CorrelationId { get; set; }
        Dictionary<string, object>? Headers { get; set; }
        bool IsArchived { get; set; }
        string? AggregateTypeName { get; set; }

        void SetHeader(string key, object value);

        object? GetHeader(string key);
    }

    /// <summary>An event of a known type.</summary>
    public interface IEvent<out T> : IEvent
        where T : notnull
    {
        new T Data { get; }
    }

    /// <summary>An event of a known type.</summary>
    public class Event<T>(T data) : IEvent<T>
        where T : notnull
    {
        public T Data { get; set; } = data;

        object IEvent.Data => Data;

        public Guid Id { get; set; }
        public long Version { get; set; }
        public long Sequence { get; set; }
        public Guid StreamId { get; set; }
        public string? StreamKey { get; set; }
        public DateTimeOffset Timestamp { get; set; }
        public string TenantId { get; set; } = "*DEFAULT*";
        public Type EventType => typeof(T);
        public string EventTypeName { get; set; } = "";
        public string DotNetTypeName { get; set; } = "";
        public string? CausationId { get; set; }
        public string? CorrelationId { get; set; }
        public Dictionary<string, object>? Headers { get; set; }
        public bool IsArchived { get; set; }
        public string? AggregateTypeName { get; set; }

        public void SetHeader(string key, object value) => (Headers ??= [])[key] = value;

        public object? GetHeader(string key) => Headers is not null && Headers.TryGetValue(key, out var value) ? value : null;
    }

    /// <summary>A stream fetched for writing; what is appended is saved only if nobody else wrote since.</summary>
    public interface IEventStream<out T>
        where T : notnull
    {
        T? Aggregate { get; }
        long? StartingVersion { get; }
        long? CurrentVersion { get; }
        CancellationToken Cancellation { get; }
        Guid Id { get; }
        string? Key { get; }
        IReadOnlyList<IEvent> Events { get; }

        void AppendOne(object @event);

        void AppendMany(params object[] events);

        void AppendMany(IEnumerable<object> events);
    }

    /// <summary>The stream is not at the version that the writer expected.</summary>
    public class EventStreamUnexpectedMaxEventIdException : ConcurrencyException
    {
        public EventStreamUnexpectedMaxEventIdException(object id, Type? aggregateType, long expected, long actual)
            : base($"Stream '{id}' should be at version {expected} and is at {actual}.", aggregateType, id) => AggregateType = aggregateType;

        public EventStreamUnexpectedMaxEventIdException(string? message)
            : base(message)
        {
        }

        public Type? AggregateType { get; }
    }
}

namespace JasperFx.Events.Projections
{
    /// <summary>When a projection runs.</summary>
    public enum ProjectionLifecycle
    {
        Inline,
        Async,
        Live,
    }
}
