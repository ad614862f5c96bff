using JasperFx;

namespace JasperFx.Events;

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

/// <summary>Whether a stream begins or goes on.</summary>
public enum StreamActionType
{
    Start,
    Append,
}

/// <summary>What a unit of work does to one stream.</summary>
public class StreamAction
{
    private readonly List<IEvent> _events = [];

    public StreamAction(Guid stream, StreamActionType actionType) => (Id, ActionType) = (stream, actionType);

    public Guid Id { get; internal set; }

    public string? Key => null;

    public StreamActionType ActionType { get; }

    public Type? AggregateType { get; set; }

    public string? AggregateTypeName { get; internal set; }

    public IReadOnlyList<IEvent> Events => _events;

    /// <summary>Version that the stream must have before the append; null when any will do.</summary>
    public long? ExpectedVersionOnServer { get; set; }

    /// <summary>Version of the last event.</summary>
    public long Version { get; set; }

    /// <summary>What was read when the stream was fetched for writing: inline projections go on from it without a second look.</summary>
    internal Marten.Sessions.FetchedState? Fetched { get; set; }

    public StreamAction AddEvent(IEvent @event)
    {
        if (@event.Id == Guid.Empty) @event.Id = Guid.NewGuid();
        @event.StreamId = Id;
        _events.Add(@event);
        return this;
    }

    public StreamAction AddEvents(IReadOnlyList<IEvent> events)
    {
        foreach (var e in events) AddEvent(e);
        return this;
    }
}

/// <summary>Where a stream stands.</summary>
public class StreamState
{
    public StreamState()
    {
    }

    public StreamState(Guid id, long version, Type? aggregateType, DateTimeOffset lastTimestamp, DateTimeOffset created) =>
        (Id, Version, AggregateType, LastTimestamp, Created) = (id, version, aggregateType, lastTimestamp, created);

    public Guid Id { get; set; }

    public string? Key { get; set; }

    public long Version { get; set; }

    public Type? AggregateType { get; set; }

    public DateTimeOffset LastTimestamp { get; set; }

    public DateTimeOffset Created { get; set; }

    public bool IsArchived { get; set; }
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
        : base(message!)
    {
    }

    public Type? AggregateType { get; }
}

/// <summary>A stream was started without events.</summary>
public class EmptyEventStreamException : Exception
{
    public EmptyEventStreamException(Guid id)
        : base($"Stream '{id}' cannot be started without an event.")
    {
    }
}
