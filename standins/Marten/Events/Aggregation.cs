using JasperFx.Events;

namespace Marten.Events.Aggregation;

/// <summary>What sessions know of a projection.</summary>
public abstract class AggregateProjection
{
    internal abstract Type DocumentType { get; }

    internal abstract object? Fold(object? snapshot, Guid id, IEvent e);
}

/// <summary>One document for each stream.</summary>
public class SingleStreamProjection<TDoc, TId> : AggregateProjection
    where TDoc : notnull
    where TId : notnull
{
    internal override Type DocumentType => typeof(TDoc);

    /// <summary>The document after an event; null deletes it.</summary>
    public virtual TDoc? Evolve(TDoc? snapshot, TId id, IEvent e) =>
        throw new NotSupportedException($"{GetType()} does not override Evolve; convention methods are not built here.");

    internal override object? Fold(object? snapshot, Guid id, IEvent e) => Evolve((TDoc?)snapshot, (TId)(object)id, e);
}
