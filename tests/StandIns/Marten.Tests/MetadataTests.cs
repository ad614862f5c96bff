using JasperFx.Events;
using Marten.Exceptions;

namespace Marten.Tests;

public sealed class MetadataTests : StoreTest
{
    [Fact]
    public async Task SetHeader_ValuesOfEachKind_RoundTrip()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        var e = session.Events.BuildEvent(new Opened("a"));
        e.SetHeader("text", "grün");
        e.SetHeader("number", 42);
        e.SetHeader("fraction", 0.5);
        e.SetHeader("truth", true);
        e.SetHeader("time", "2026-01-02T03:04:05.678Z");
        session.Events.StartStream(id, e, new Added(1, "x"));
        await session.SaveChangesAsync();

        var events = await session.Events.FetchStreamAsync(id);
        events[0].GetHeader("text").ShouldBe("grün");
        events[0].GetHeader("number").ShouldBe(42L);
        events[0].GetHeader("fraction").ShouldBe(0.5);
        events[0].GetHeader("truth").ShouldBe(true);
        // Text that is a time comes back as one.
        events[0].GetHeader("time").ShouldBe(new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc));
        events[0].GetHeader("none").ShouldBeNull();
        (events[1].Headers?.Count ?? 0).ShouldBe(0);
        (await ScalarAsync<string>($"select headers ->> 'text' from {Schema}.mt_events where version = 1")).ShouldBe("grün");
    }

    [Fact]
    public async Task SetHeader_OnSession_MarksEveryEvent()
    {
        var store = Open();
        var (started, appended) = (Guid.NewGuid(), Guid.NewGuid());
        await using var session = store.LightweightSession();
        session.SetHeader("by", "me");
        session.Events.StartStream(started, new Opened("a"));
        session.Events.Append(appended, new Opened("b"));
        await session.SaveChangesAsync();
        (await session.Events.QueryAllRawEvents().ToListAsync()).Select(e => e.GetHeader("by")).ShouldBe(["me", "me"]);
    }

    [Fact]
    public async Task CorrelationAndCausation_Enabled_RoundTrip()
    {
        var store = Open(options => options.Events.MetadataConfig.EnableAll());
        var (started, appended) = (Guid.NewGuid(), Guid.NewGuid());
        await using var session = store.LightweightSession();
        (session.CorrelationId, session.CausationId) = ("job-1", "command-2");
        session.Events.StartStream(started, new Opened("a"));
        session.Events.Append(appended, new Opened("b"));
        await session.SaveChangesAsync();
        var events = await session.Events.QueryAllRawEvents().ToListAsync();
        events.ShouldAllBe(e => e.CorrelationId == "job-1" && e.CausationId == "command-2");
    }

    [Fact]
    public async Task MapEventType_Alias_IsStoredAndRead()
    {
        var store = Open(options => options.Events.MapEventType<Opened>("account_opened"));
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"));
        await session.SaveChangesAsync();
        (await ScalarAsync<string>($"select type from {Schema}.mt_events")).ShouldBe("account_opened");
        (await session.Events.FetchStreamAsync(id)).Single().Data.ShouldBe(new Opened("a"));
    }

    [Fact]
    public async Task MapEventType_StoredTypeMoved_IsFoundByAlias()
    {
        var store = Open(options => options.Events.MapEventType<Opened>("account_opened"));
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"));
        await session.SaveChangesAsync();
        await ExecuteAsync($"update {Schema}.mt_events set mt_dotnet_type = 'Old.Place.Opened, Old'");
        (await session.Events.FetchStreamAsync(id)).Single().Data.ShouldBe(new Opened("a"));
    }

    [Fact]
    public async Task FetchStreamAsync_UnknownType_Throws()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"));
        await session.SaveChangesAsync();
        await ExecuteAsync($"update {Schema}.mt_events set type = 'nobody_knows', mt_dotnet_type = 'Old.Place.Gone, Old'");
        var error = await Should.ThrowAsync<UnknownEventTypeException>(session.Events.FetchStreamAsync(id));
        error.EventTypeName.ShouldBe("nobody_knows");
    }

    [Fact]
    public void BuildEvent_Data_HasNamesAndId()
    {
        using var session = Open().LightweightSession();
        var e = session.Events.BuildEvent(new Added(1, "x"));
        e.ShouldBeAssignableTo<IEvent<Added>>()!.Data.Amount.ShouldBe(1);
        e.EventTypeName.ShouldBe("added");
        e.DotNetTypeName.ShouldBe("Marten.Tests.Added, " + typeof(Added).Assembly.GetName().Name);
        e.EventType.ShouldBe(typeof(Added));
        e.Id.ShouldNotBe(Guid.Empty);
    }
}
