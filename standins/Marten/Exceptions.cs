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

/// <summary>PostgreSQL refused a command.</summary>
public class MartenCommandException(string? message, Exception inner) : MartenException(message, inner);

/// <summary>A stored event has a type name that nobody registered.</summary>
public class UnknownEventTypeException(string eventTypeName) : MartenException($"No .NET type is mapped to the stored event type '{eventTypeName}'.")
{
    public string EventTypeName { get; } = eventTypeName;
}
