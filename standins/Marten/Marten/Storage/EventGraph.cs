using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using JasperFx.Events;
using Marten.Events;
using Marten.Exceptions;

namespace Marten.Storage;

/// <summary>Event types and settings of the event store.</summary>
internal sealed class EventGraph(StoreOptions options) : IEventStoreOptions
{
    private readonly ConcurrentDictionary<Type, EventType> _byType = new();
    private readonly ConcurrentDictionary<string, Type> _byName = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Type?> _byDotNetName = new(StringComparer.Ordinal);
    private string? _schema;

    public string DatabaseSchemaName
    {
        get => _schema ?? options.DatabaseSchemaName;
        set => _schema = value;
    }

    public StreamIdentity StreamIdentity
    {
        get => StreamIdentity.AsGuid;
        set
        {
            if (value != StreamIdentity.AsGuid) throw new NotSupportedException("Streams are identified by Guid only.");
        }
    }

    public EventAppendMode AppendMode { get; set; } = EventAppendMode.Quick;

    public bool UseIdentityMapForAggregates { get; set; } = true;

    public MetadataConfig MetadataConfig { get; } = new();

    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    public void MapEventType<TEvent>(string eventTypeName)
        where TEvent : class => MapEventType(typeof(TEvent), eventTypeName);

    public void MapEventType(Type eventType, string eventTypeName)
    {
        _byType[eventType] = new EventType(eventType, eventTypeName);
        _byName[eventTypeName] = eventType;
    }

    public IEventStoreOptions AddEventType<TEvent>()
    {
        AddEventType(typeof(TEvent));
        return this;
    }

    public void AddEventType(Type eventType) => Of(eventType);

    public void AddEventTypes(IEnumerable<Type> types)
    {
        foreach (var type in types) AddEventType(type);
    }

    public EventType Of(Type type) => _byType.TryGetValue(type, out var known) ? known : _byType.GetOrAdd(type, t =>
    {
        var name = t.IsGenericType ? throw new NotSupportedException($"Event type {t} is generic.") : Naming.Snake(t.Name);
        _byName.TryAdd(name, t);
        return new EventType(t, name);
    });

    public Type Resolve(string name, string? dotnetType)
    {
        if (_byName.TryGetValue(name, out var type)) return type;
        var found = dotnetType is null ? null : _byDotNetName.GetOrAdd(dotnetType, t => Type.GetType(t, throwOnError: false));
        return found ?? throw new UnknownEventTypeException(name);
    }

    public IEvent Wrap(object data)
    {
        ArgumentNullException.ThrowIfNull(data);
        var type = data is IEvent e ? e.EventType : data.GetType();
        var wrapped = data as IEvent ?? Of(type).Wrap(data);
        wrapped.EventTypeName = Of(type).Name;
        wrapped.DotNetTypeName = Of(type).DotNetName;
        return wrapped;
    }

    /// <summary>How an event type is stored and wrapped.</summary>
    internal sealed class EventType
    {
        public EventType(Type type, string name)
        {
            (Name, DotNetName) = (name, Naming.DotNet(type));
            var data = Expression.Parameter(typeof(object));
            var constructor = typeof(Event<>).MakeGenericType(type).GetConstructors(BindingFlags.Public | BindingFlags.Instance)[0];
            Wrap = Expression.Lambda<Func<object, IEvent>>(Expression.New(constructor, Expression.Convert(data, type)), data).Compile();
        }

        public string Name { get; }

        public string DotNetName { get; }

        public Func<object, IEvent> Wrap { get; }
    }
}
