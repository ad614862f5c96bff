using System.Reflection;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;

namespace JasperFx.Events.Aggregation;

/// <summary>Whether one stream or many make a document.</summary>
public enum AggregationScope
{
    SingleStream,
    MultiStream,
}

/// <summary>Events of one document.</summary>
internal sealed record Slice(object Id, List<IEvent> Events);

/// <summary>What sessions and the daemon know of a projection.</summary>
internal interface IAggregation
{
    Type DocumentType { get; }

    Type IdentityType { get; }

    AggregationScope Scope { get; }

    ProjectionBase Base { get; }

    ShardName Shard { get; }

    /// <summary>Groups events by document, documents in the order of their first event.</summary>
    IReadOnlyList<Slice> Slices(IReadOnlyList<IEvent> events);

    /// <summary>The document after the events; null when it does not exist then.</summary>
    object? Fold(object? snapshot, object id, IReadOnlyList<IEvent> events);
}

/// <summary>Base of projections that fold events into documents.</summary>
public abstract class JasperFxAggregationProjectionBase<TDoc, TId, TOperations, TQuerySession> : ProjectionBase, IProjectionSource<TOperations, TQuerySession>, IAggregation
    where TOperations : TQuerySession, IStorageOperations
    where TDoc : notnull
    where TId : notnull
{
    private static readonly PropertyInfo? VersionMember = typeof(TDoc)
        .GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        .FirstOrDefault(p => p.CanWrite && (p.PropertyType == typeof(int) || p.PropertyType == typeof(long)) && p.Name.Equals("version", StringComparison.OrdinalIgnoreCase));

    protected JasperFxAggregationProjectionBase(AggregationScope scope)
    {
        Scope = scope;
        Name = NameOf(typeof(TDoc));
    }

    public AggregationScope Scope { get; }

    public Type AggregateType => typeof(TDoc);

    public Type IdentityType => typeof(TId);

    public Type ProjectionType => GetType();

    ProjectionBase IAggregation.Base => this;

    Type IAggregation.DocumentType => typeof(TDoc);

    ShardName IAggregation.Shard => new(Name, ShardName.All, Version);

    /// <summary>The document after an event; null when it does not exist then.</summary>
    public virtual TDoc? Evolve(TDoc? snapshot, TId id, IEvent e) =>
        throw new NotImplementedException($"{GetType()} does not override Evolve, and nothing here calls convention methods.");

    public override void AssembleAndAssertValidity()
    {
        var evolve = GetType().GetMethod(nameof(Evolve), [typeof(TDoc), typeof(TId), typeof(IEvent)]);
        if (evolve is null || evolve.DeclaringType is not { } declaring || !declaring.IsGenericType || declaring.GetGenericTypeDefinition() != typeof(JasperFxAggregationProjectionBase<,,,>)) return;
        throw new InvalidProjectionException($"{GetType()} overrides no Evolve.");
    }

    IReadOnlyList<Slice> IAggregation.Slices(IReadOnlyList<IEvent> events) => SliceEvents(IncludedEventTypes.Count == 0
        ? events
        : [.. events.Where(e => IncludedEventTypes.Exists(t => t.IsAssignableFrom(e.EventType)))]);

    object? IAggregation.Fold(object? snapshot, object id, IReadOnlyList<IEvent> events)
    {
        var state = (TDoc?)snapshot;
        foreach (var e in events)
        {
            try
            {
                state = Evolve(state, (TId)id, e);
            }
            catch (Exception inner)
            {
                throw new ApplyEventException(e, inner);
            }
        }

        if (state is not null && VersionMember is not null && events.Count > 0)
        {
            var version = Scope == AggregationScope.SingleStream ? events[^1].Version : events[^1].Sequence;
            VersionMember.SetValue(state, VersionMember.PropertyType == typeof(int) ? checked((int)version) : version);
        }

        return state;
    }

    private protected abstract IReadOnlyList<Slice> SliceEvents(IReadOnlyList<IEvent> events);

    private static string NameOf(Type type)
    {
        var name = type.Name.Split('`')[0];
        if (type.IsNested) name = $"{NameOf(type.DeclaringType!)}.{name}";
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(a => a.FullName))}>" : name;
    }
}

/// <summary>One document for each stream.</summary>
public abstract class JasperFxSingleStreamProjectionBase<TDoc, TId, TOperations, TQuerySession> : JasperFxAggregationProjectionBase<TDoc, TId, TOperations, TQuerySession>
    where TOperations : TQuerySession, IStorageOperations
    where TDoc : notnull
    where TId : notnull
{
    protected JasperFxSingleStreamProjectionBase()
        : base(AggregationScope.SingleStream)
    {
    }

    public override void AssembleAndAssertValidity()
    {
        base.AssembleAndAssertValidity();
        if (typeof(TId) != typeof(Guid)) throw new NotSupportedException($"{GetType()}: streams are identified by Guid only.");
    }

    private protected override IReadOnlyList<Slice> SliceEvents(IReadOnlyList<IEvent> events)
    {
        var slices = new Dictionary<Guid, Slice>();
        foreach (var e in events)
        {
            if (!slices.TryGetValue(e.StreamId, out var slice)) slices[e.StreamId] = slice = new Slice(e.StreamId, []);
            slice.Events.Add(e);
        }

        return [.. slices.Values];
    }
}

/// <summary>Documents made of events of many streams.</summary>
public abstract class JasperFxMultiStreamProjectionBase<TDoc, TId, TOperations, TQuerySession> : JasperFxAggregationProjectionBase<TDoc, TId, TOperations, TQuerySession>
    where TOperations : TQuerySession, IStorageOperations
    where TDoc : notnull
    where TId : notnull
{
    private readonly List<Func<IEvent, IEnumerable<TId>>> _identities = [];

    protected JasperFxMultiStreamProjectionBase()
        : base(AggregationScope.MultiStream)
    {
    }

    public sealed override void AssembleAndAssertValidity()
    {
        base.AssembleAndAssertValidity();
        if (_identities.Count == 0) throw new InvalidProjectionException($"{GetType()} names no Identity for any event.");
    }

    /// <summary>Which document an event, its data or metadata, belongs to.</summary>
    public void Identity<TEvent>(Func<TEvent, TId> identityFunc)
        where TEvent : notnull => Identities<TEvent>(e => [identityFunc(e)]);

    /// <summary>Which documents an event, its data or metadata, belongs to.</summary>
    public void Identities<TEvent>(Func<TEvent, IReadOnlyList<TId>> identitiesFunc)
        where TEvent : notnull => _identities.Add(e => e is TEvent whole ? identitiesFunc(whole) : e.Data is TEvent data ? identitiesFunc(data) : []);

    private protected override IReadOnlyList<Slice> SliceEvents(IReadOnlyList<IEvent> events)
    {
        var slices = new Dictionary<TId, Slice>();
        foreach (var e in events)
        {
            foreach (var identity in _identities)
            {
                foreach (var id in identity(e))
                {
                    if (!slices.TryGetValue(id, out var slice)) slices[id] = slice = new Slice(id, []);
                    if (slice.Events.Count == 0 || !ReferenceEquals(slice.Events[^1], e)) slice.Events.Add(e);
                }
            }
        }

        return [.. slices.Values];
    }
}
