using JasperFx.Events;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;

namespace Marten.Tests;

public sealed class InlineProjectionTests : StoreTest
{
    [Fact]
    public async Task SaveChangesAsync_StartAndFetchForWriting_SeesVersionsInOrder()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using (var session = store.LightweightSession())
        {
            session.Events.StartStream<Account>(id, new Opened("a"), new Added(1, "x"));
            await session.SaveChangesAsync();
        }

        for (var i = 3; i <= 4; i++)
        {
            await using var session = store.LightweightSession();
            var stream = await session.Events.FetchForWriting<Account>(id);
            stream.CurrentVersion.ShouldBe(i - 1);
            stream.StartingVersion.ShouldBe(i - 1);
            stream.Aggregate!.Seen.ShouldBe(i - 1);
            stream.AppendOne(new Added(10, "x"));
            stream.CurrentVersion.ShouldBe(i);
            stream.Events.Count.ShouldBe(1);
            await session.SaveChangesAsync();
        }

        var account = await store.QuerySession().LoadAsync<Account>(id);
        account.ShouldBe(new Account { Id = id, Name = "a", Total = 21, Seen = 4 });
        (await ScalarAsync<long>($"select mt_version from {Schema}.mt_doc_account")).ShouldBe(4);
    }

    [Fact]
    public async Task SaveChangesAsync_BareAppend_GoesOnFromTheDocument()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.Append(id, new Opened("a"));
        await session.SaveChangesAsync();
        session.Events.Append(id, new Added(1, "x"));
        session.Events.Append(id, new Added(2, "x"));
        await session.SaveChangesAsync();
        (await session.LoadAsync<Account>(id))!.Total.ShouldBe(3);
    }

    [Fact]
    public async Task Evolve_Null_DeletesTheDocument()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"));
        await session.SaveChangesAsync();
        (await session.Events.FetchForWriting<Account>(id)).AppendOne(new Closed());
        await session.SaveChangesAsync();
        (await session.LoadAsync<Account>(id)).ShouldBeNull();
        (await session.Events.FetchStreamAsync(id)).Count.ShouldBe(2);
    }

    [Fact]
    public async Task Evolve_Headers_AreThere()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        var e = session.Events.BuildEvent(new Opened("a"));
        e.SetHeader("by", "somebody");
        session.Events.StartStream<Account>(id, e);
        await session.SaveChangesAsync();
        (await session.LoadAsync<Account>(id))!.By.ShouldBe("somebody");
    }

    [Fact]
    public async Task Evolve_Throws_NothingIsWritten()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"), new Added(-1, "x"));
        (await Should.ThrowAsync<ApplyEventException>(session.SaveChangesAsync())).InnerException.ShouldBeOfType<InvalidOperationException>();
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_events")).ShouldBe(0);
    }

    [Fact]
    public async Task FetchForWriting_OtherWriterBetween_RefusesTheLateOne()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using (var start = store.LightweightSession())
        {
            start.Events.StartStream<Account>(id, new Opened("a"));
            await start.SaveChangesAsync();
        }

        await using var late = store.LightweightSession();
        var stream = await late.Events.FetchForWriting<Account>(id);
        await using (var early = store.LightweightSession())
        {
            (await early.Events.FetchForWriting<Account>(id)).AppendOne(new Added(1, "early"));
            await early.SaveChangesAsync();
        }

        stream.AppendOne(new Added(2, "late"));
        var error = await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(late.SaveChangesAsync());
        error.ShouldBeAssignableTo<JasperFx.ConcurrencyException>();
        error.Id.ShouldBe(id);
        (await store.QuerySession().LoadAsync<Account>(id))!.Total.ShouldBe(1);
    }

    [Fact]
    public async Task FetchForWriting_TwoFirstWriters_OneCollides()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var one = store.LightweightSession();
        await using var two = store.LightweightSession();
        var first = await one.Events.FetchForWriting<Account>(id);
        var second = await two.Events.FetchForWriting<Account>(id);
        (first.Aggregate, first.CurrentVersion).ShouldBe((null, 0));
        first.AppendOne(new Opened("one"));
        second.AppendOne(new Opened("two"));
        await one.SaveChangesAsync();
        await Should.ThrowAsync<Exceptions.ExistingStreamIdCollisionException>(two.SaveChangesAsync());
        (await store.QuerySession().LoadAsync<Account>(id))!.Name.ShouldBe("one");
    }

    [Fact]
    public async Task FetchForWriting_ExpectedVersionMissed_Throws()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"));
        await session.SaveChangesAsync();
        await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(session.Events.FetchForWriting<Account>(id, 2));
        (await session.Events.FetchForWriting<Account>(id, 1)).Aggregate!.Name.ShouldBe("a");
    }

    [Fact]
    public async Task FetchForWriting_NothingAppended_WritesNothing()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        await session.Events.FetchForWriting<Account>(id);
        await session.SaveChangesAsync();
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_streams")).ShouldBe(0);
    }

    [Fact]
    public async Task FetchForWriting_SecondProjectionOfTheStream_GoesOnFromItsOwnDocument()
    {
        var store = Inline(options => options.Projections.Add(new ActivityProjection(), ProjectionLifecycle.Inline));
        var id = Guid.NewGuid();
        for (var i = 0; i < 3; i++)
        {
            await using var session = store.LightweightSession();
            (await session.Events.FetchForWriting<Account>(id)).AppendOne(new Added(1, "x"));
            await session.SaveChangesAsync();
        }

        var reader = store.QuerySession();
        (await reader.LoadAsync<Activity>(id))!.Events.ShouldBe(3);
        (await reader.LoadAsync<Account>(id))!.Total.ShouldBe(3);
    }

    [Fact]
    public async Task FetchForWriting_LiveProjection_FoldsTheEvents()
    {
        var store = Open(options => options.Projections.Add(new AccountProjection(), ProjectionLifecycle.Live));
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"), new Added(5, "x"));
        await session.SaveChangesAsync();
        var stream = await session.Events.FetchForWriting<Account>(id);
        (stream.Aggregate!.Total, stream.CurrentVersion).ShouldBe((5, 2));
        (await session.Events.FetchLatest<Account>(id))!.Total.ShouldBe(5);
    }

    [Fact]
    public async Task AggregateStreamAsync_VersionOrTime_IsTheStateThen()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"), new Added(1, "x"));
        await session.SaveChangesAsync();
        var then = (await session.Events.FetchStreamAsync(id))[^1].Timestamp;
        await Task.Delay(20);
        session.Events.Append(id, new Added(2, "x"), new Added(4, "x"));
        await session.SaveChangesAsync();

        (await session.Events.AggregateStreamAsync<Account>(id))!.Total.ShouldBe(7);
        (await session.Events.AggregateStreamAsync<Account>(id, version: 3))!.Total.ShouldBe(3);
        (await session.Events.AggregateStreamAsync<Account>(id, timestamp: then.AddMilliseconds(5)))!.Total.ShouldBe(1);
        (await session.Events.AggregateStreamAsync<Account>(id, version: 9)).ShouldBeNull();
        (await session.Events.AggregateStreamAsync<Account>(Guid.NewGuid())).ShouldBeNull();
    }

    [Fact]
    public async Task MultiStream_Inline_SumsOverStreams()
    {
        var store = Open(options => options.Projections.Add(new TallyProjection(), ProjectionLifecycle.Inline));
        await using var session = store.LightweightSession();
        session.Events.StartStream(Guid.NewGuid(), new Added(1, "x"), new Added(2, "y"));
        session.Events.StartStream(Guid.NewGuid(), new Added(4, "x"));
        await session.SaveChangesAsync();
        session.Events.StartStream(Guid.NewGuid(), new Opened("a"), new Added(8, "x"));
        await session.SaveChangesAsync();
        (await session.LoadAsync<Tally>("x"))!.Sum.ShouldBe(13);
        (await session.LoadAsync<Tally>("y"))!.Sum.ShouldBe(2);
    }

    [Fact]
    public async Task WriteToAggregate_Writes_Saves()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        await session.Events.WriteToAggregate<Account>(id, stream => stream.AppendMany(new Opened("a"), new Added(2, "x")));
        (await session.LoadAsync<Account>(id))!.Total.ShouldBe(2);
    }
}
