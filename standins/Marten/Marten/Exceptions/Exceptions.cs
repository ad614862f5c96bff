using Npgsql;

namespace Marten.Exceptions;

/// <summary>Base of Marten's own exceptions.</summary>
public class MartenException : Exception
{
    public MartenException(string? message)
        : base(message)
    {
    }

    public MartenException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A stream was started that exists.</summary>
public class ExistingStreamIdCollisionException(object id, Type aggregateType) : MartenException($"Stream '{id}' exists already.")
{
    public object Id { get; } = id;

    public Type AggregateType { get; } = aggregateType;
}

/// <summary>An archived stream was written to.</summary>
public class InvalidStreamOperationException(string message) : MartenException(message);

/// <summary>A stream was expected that does not exist.</summary>
public class NonExistentStreamException(object id) : MartenException($"Stream '{id}' does not exist.")
{
    public object Id { get; } = id;
}

/// <summary>Somebody else writes to the stream under a lock.</summary>
public class StreamLockedException(object streamId, Exception innerException) : MartenException($"Stream '{streamId}' is locked by somebody else.", innerException);

/// <summary>A document was updated that does not exist.</summary>
public class NonExistentDocumentException(Type docType, object id) : MartenException($"There is no {docType.FullName} with the id {id}.")
{
    public Type DocType { get; } = docType;

    public object Id { get; } = id;
}

/// <summary>A type cannot be a document.</summary>
public class InvalidDocumentException(string message) : MartenException(message);

/// <summary>PostgreSQL refused a command.</summary>
public class MartenCommandException(NpgsqlCommand? command, Exception innerException) : MartenException(innerException.Message, innerException)
{
    public NpgsqlCommand? Command { get; } = command;
}

/// <summary>A stored event has a type name that nobody registered.</summary>
public class UnknownEventTypeException : MartenException
{
    public const long UnknownSequence = -1;

    public UnknownEventTypeException(string eventTypeName)
        : this(eventTypeName, UnknownSequence)
    {
    }

    public UnknownEventTypeException(string eventTypeName, long sequence)
        : base($"No .NET type is mapped to the stored event type '{eventTypeName}'.") => (EventTypeName, Sequence) = (eventTypeName, sequence);

    public string EventTypeName { get; }

    public long Sequence { get; }
}

/// <summary>A stored event's data does not fit its type.</summary>
public class EventDeserializationFailureException : MartenException
{
    internal EventDeserializationFailureException(long sequence, string eventTypeName, Exception innerException)
        : base($"Event #{sequence} cannot be read as '{eventTypeName}': {innerException.Message}", innerException) => (Sequence, EventTypeName) = (sequence, eventTypeName);

    public long Sequence { get; }

    public string EventTypeName { get; }
}
