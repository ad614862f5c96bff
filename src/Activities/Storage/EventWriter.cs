using System.Globalization;
using System.Text.Json;
using JasperFx;
using JasperFx.Events;
using Marten;
using Temporalio.Activities;
using XInstruct.Activities.Monitoring;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Storage;

/// <summary>An event that was decided, with what goes beside it.</summary>
/// <param name="Event">The event's data.</param>
/// <param name="Contents">Content rows of the same transaction.</param>
/// <param name="Cost">Tokens and money.</param>
/// <param name="Seed">Seed of the random choice behind it.</param>
/// <param name="Origin">Record hash of the event of another run that it repeats.</param>
public sealed record Fact(object Event, IReadOnlyList<Content>? Contents = null, Cost Cost = default, long? Seed = null, string? Origin = null);

/// <summary>A stream to be written to.</summary>
/// <param name="Stream">Stream id.</param>
/// <param name="Subject">Sample id, source id or run stream id: what the content hash names.</param>
/// <param name="Decide">Pure: what happens to the current state; null when it already happened.</param>
public sealed record Change<T>(Guid Stream, Guid Subject, Func<T?, Fact?> Decide);

/// <summary>
/// The one way events are written: fetch, decide, hash, append with expected versions and save, contents in the same transaction. A late
/// append of a zombie is refused by its expected version; the state is then fetched again, and what already happened decides nothing.
/// </summary>
public sealed class EventWriter(IDocumentStore store, Contents contents, TimeProvider clock)
{
    private const int Attempts = 8;

    /// <summary>Writes one transaction.</summary>
    /// <param name="run">Run id.</param>
    /// <param name="act">What the events share.</param>
    /// <param name="changes">What happens to which streams.</param>
    /// <param name="beside">What else belongs into the transaction, told for each change whether it led to an event.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>How many events were written; the rest had already happened.</returns>
    public async Task<int> WriteAsync<T>(
        string run, Act act, IReadOnlyList<Change<T>> changes, CancellationToken ct, Action<IDocumentSession, IReadOnlyList<bool>>? beside = null)
        where T : class, IChained
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryWriteAsync(run, act, changes, beside, ct);
            }
            catch (Exception e) when (attempt < Attempts && IsConflict(e))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10 * attempt), clock, ct);
            }
        }
    }

    private async Task<int> TryWriteAsync<T>(
        string run, Act act, IReadOnlyList<Change<T>> changes, Action<IDocumentSession, IReadOnlyList<bool>>? beside, CancellationToken ct)
        where T : class, IChained
    {
        var began = clock.GetTimestamp();
        await using var session = store.LightweightSession();
        var batch = session.CreateBatchQuery();
        var streams = changes.Select(c => batch.Events.FetchForWriting<T>(c.Stream)).ToList();
        await batch.Execute(ct);
        var actContent = Content.Of(Guid.Empty, JsonSerializer.Serialize(act, EventJson.Options));
        var rows = new List<Content> { actContent };
        var facts = new List<(string Type, Cost Cost)>();
        var written = new bool[changes.Count];
        for (var i = 0; i < changes.Count; i++)
        {
            var stream = await streams[i];
            var fact = changes[i].Decide(stream.Aggregate);
            if (fact is null) continue;
            rows.AddRange(fact.Contents ?? []);
            stream.AppendOne(Chain(session, run, actContent.Hash, changes[i], fact, stream.Aggregate?.Head));
            facts.Add((EventTypes.Names[fact.Event.GetType()], fact.Cost));
            written[i] = true;
        }

        var count = written.Count(w => w);
        if (count == 0 && beside is null) return 0;
        if (count > 0) await contents.QueueAsync(session, rows, ct);
        beside?.Invoke(session, written);
        Moments.Reached(Moments.Decided);
        await session.SaveChangesAsync(ct);
        Moments.Reached(Moments.Committed);
        Instruments.Committed(facts, clock.GetElapsedTime(began));
        return count;
    }

    private IEvent Chain<T>(IDocumentSession session, string run, string act, Change<T> change, Fact fact, ChainHead? head)
    {
        var type = EventTypes.Names[fact.Event.GetType()];
        var data = CanonicalJson.Of(JsonSerializer.SerializeToElement(fact.Event, fact.Event.GetType(), EventJson.Options));
        var headers = Headers(run, act, fact);
        headers[EventHeaders.Content] = EventTypes.IsBeside(type) ? head!.Content : HashChain.Content(head?.Content ?? HashChain.Start, change.Subject, type, data);
        headers[EventHeaders.Record] = HashChain.Record(
            head?.Record ?? HashChain.Start, change.Stream, (head?.Version ?? 0) + 1, type, data, CanonicalJson.Of(headers, EventJson.Options));
        var @event = session.Events.BuildEvent(fact.Event);
        foreach (var (name, value) in headers) @event.SetHeader(name, value);
        return @event;
    }

    private SortedDictionary<string, object> Headers(string run, string act, Fact fact)
    {
        var headers = new SortedDictionary<string, object>(StringComparer.Ordinal)
        {
            [EventHeaders.Run] = run,
            [EventHeaders.Act] = act,
            [EventHeaders.At] = clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        };
        if (fact.Seed is { } seed) headers[EventHeaders.Seed] = seed;
        if (fact.Origin is not null) headers[EventHeaders.Origin] = fact.Origin;
        if (fact.Cost.TokensIn != 0) headers[EventHeaders.TokensIn] = fact.Cost.TokensIn;
        if (fact.Cost.TokensOut != 0) headers[EventHeaders.TokensOut] = fact.Cost.TokensOut;
        if (fact.Cost.Usd != 0) headers[EventHeaders.Usd] = fact.Cost.Usd;
        if (ActivityExecutionContext.HasCurrent)
        {
            var info = ActivityExecutionContext.Current.Info;
            headers[EventHeaders.Workflow] = info.WorkflowId ?? "";
            headers[EventHeaders.WorkflowRun] = info.WorkflowRunId ?? "";
            headers[EventHeaders.Activity] = info.ActivityId;
            headers[EventHeaders.Attempt] = info.Attempt;
            headers[EventHeaders.Worker] = WorkerIdentity.Current;
        }

        return headers;
    }

    private static bool IsConflict(Exception e) =>
        e is ConcurrencyException or Marten.Exceptions.ExistingStreamIdCollisionException;
}

/// <summary>Names this process in event headers and to the workflow engine.</summary>
public static class WorkerIdentity
{
    /// <summary>Process id and host name.</summary>
    public static string Current { get; } = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}@{Environment.MachineName}");
}
