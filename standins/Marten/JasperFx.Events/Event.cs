namespace JasperFx.Events;

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

/// <summary>An event of a known type; two are equal when their ids are.</summary>
public class Event<T>(T data) : IEvent<T>
    where T : notnull
{
    public T Data { get; set; } = data;

    object IEvent.Data => Data;

    public Type EventType => typeof(T);

    public string EventTypeName { get; set; } = null!;

    public string DotNetTypeName { get; set; } = null!;

    public bool IsArchived { get; set; }

    public string? AggregateTypeName { get; set; }

    public Guid StreamId { get; set; }

    public string? StreamKey { get; set; }

    public Guid Id { get; set; } = Guid.NewGuid();

    public long Version { get; set; }

    public long Sequence { get; set; }

    public DateTimeOffset Timestamp { get; set; }

    public string TenantId { get; set; } = "*DEFAULT*";

    public string? CausationId { get; set; }

    public string? CorrelationId { get; set; }

    public Dictionary<string, object>? Headers { get; set; }

    public void SetHeader(string key, object value) => (Headers ??= [])[key] = value;

    public object? GetHeader(string key) => Headers is not null && Headers.TryGetValue(key, out var value) ? value : null;

    protected bool Equals(Event<T> other) => Id == other.Id;

    public override bool Equals(object? obj) => obj is not null && obj.GetType() == GetType() && Equals((Event<T>)obj);

    public override int GetHashCode() => Id.GetHashCode();
}

/// <summary>Makes and marks events outside a session.</summary>
public static class Event
{
    public static IEvent<T> For<T>(T data)
        where T : notnull => new Event<T>(data);

    public static IEvent<T> AsEvent<T>(this T data)
        where T : notnull => For(data);

    public static IEvent AtTimestamp(this IEvent e, DateTimeOffset timestamp)
    {
        e.Timestamp = timestamp;
        return e;
    }

    public static IEvent WithHeader(this IEvent e, string key, object value)
    {
        e.SetHeader(key, value);
        return e;
    }
}
