using System.Text;
using JasperFx.Events;

namespace Marten.Storage;

/// <summary>Event types and settings of the event store.</summary>
internal sealed class EventGraph : IEventStoreOptions
{
    private readonly Dictionary<Type, string> _names = [];
    private readonly Dictionary<string, Type> _types = new(StringComparer.Ordinal);

    public string? DatabaseSchemaName { get; set; }

    public StreamIdentity StreamIdentity { get; set; }

    public EventAppendMode AppendMode { get; set; } = EventAppendMode.Quick;

    public bool UseIdentityMapForAggregates { get; set; } = true;

    public MetadataConfig MetadataConfig { get; } = new();

    public void MapEventType<TEvent>(string eventTypeName)
        where TEvent : class => MapEventType(typeof(TEvent), eventTypeName);

    public void MapEventType(Type eventType, string eventTypeName)
    {
        lock (_names)
        {
            _names[eventType] = eventTypeName;
            _types[eventTypeName] = eventType;
        }
    }

    public void AddEventType<T>() => AddEventType(typeof(T));

    public void AddEventType(Type eventType) => NameOf(eventType);

    public string NameOf(Type type)
    {
        lock (_names)
        {
            if (_names.TryGetValue(type, out var name)) return name;
            name = SnakeCase(type.Name);
            MapEventType(type, name);
            return name;
        }
    }

    public Type TypeOf(string name, string? dotnetType)
    {
        lock (_names)
        {
            if (_types.TryGetValue(name, out var type)) return type;
        }

        return dotnetType is not null && Type.GetType(dotnetType) is { } found ? found : throw new Exceptions.UnknownEventTypeException(name);
    }

    public IEvent Wrap(object data)
    {
        if (data is IEvent ready) return ready;
        var wrapped = (IEvent)Activator.CreateInstance(typeof(Event<>).MakeGenericType(data.GetType()), data)!;
        wrapped.EventTypeName = NameOf(data.GetType());
        wrapped.DotNetTypeName = $"{data.GetType().FullName}, {data.GetType().Assembly.GetName().Name}";
        wrapped.Id = Guid.CreateVersion7();
        return wrapped;
    }

    private static string SnakeCase(string name)
    {
        var result = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])))) result.Append('_');
            result.Append(char.ToLowerInvariant(name[i]));
        }

        return result.ToString();
    }
}
