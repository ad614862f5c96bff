using JasperFx.Events;

namespace Marten.Sessions;

internal sealed class EventStream<T>(T? aggregate, StreamAction action, Func<object, IEvent> wrap, CancellationToken ct) : IEventStream<T>
    where T : class
{
    public T? Aggregate { get; } = aggregate;

    public long? StartingVersion { get; } = action.ExpectedVersionOnServer;

    public long? CurrentVersion => StartingVersion + action.Events.Count;

    public CancellationToken Cancellation { get; } = ct;

    public Guid Id => action.Id;

    public string? Key => null;

    public IReadOnlyList<IEvent> Events => action.Events;

    public void AppendOne(object @event) => action.AddEvent(wrap(@event));

    public void AppendMany(params object[] events) => AppendMany((IEnumerable<object>)events);

    public void AppendMany(IEnumerable<object> events)
    {
        foreach (var e in events) AppendOne(e);
    }
}
