using JasperFx.Events;

namespace Marten.Events.Archiving;

/// <summary>What event queries say of archived events, which they leave out otherwise.</summary>
public static class ArchivedEventExtensions
{
    /// <summary>In a query: archived or not.</summary>
    public static bool MaybeArchived(this IEvent @event) => true;
}
