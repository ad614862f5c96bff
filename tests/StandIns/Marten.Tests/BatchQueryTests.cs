using JasperFx.Events;

namespace Marten.Tests;

public sealed class BatchQueryTests : StoreTest
{
    [Fact]
    public async Task FetchForWriting_ManyStreams_AppendsToEach()
    {
        var store = Inline();
        var ids = Enumerable.Range(0, 50).Select(_ => Guid.NewGuid()).ToArray();
        for (var round = 0; round < 3; round++)
        {
            await using var session = store.LightweightSession();
            var batch = session.CreateBatchQuery();
            var streams = ids.Select(id => batch.Events.FetchForWriting<Account>(id)).ToList();
            await batch.Execute();
            for (var i = 0; i < ids.Length; i++)
            {
                var stream = await streams[i];
                stream.Id.ShouldBe(ids[i]);
                stream.CurrentVersion.ShouldBe(round);
                (stream.Aggregate?.Total ?? 0).ShouldBe(round * i);
                stream.AppendOne(new Added(i, "x"));
            }

            await session.SaveChangesAsync();
        }

        var accounts = await store.QuerySession().LoadManyAsync<Account>(ids);
        accounts.ToDictionary(a => a.Id, a => (a.Total, a.Seen)).ShouldBe(ids.Select((id, i) => KeyValuePair.Create(id, (3L * i, 3L))), ignoreOrder: true);
    }

    [Fact]
    public async Task FetchForWriting_OneStreamMoved_RefusesTheWholeSave()
    {
        var store = Inline();
        var ids = Enumerable.Range(0, 5).Select(_ => Guid.NewGuid()).ToArray();
        await using (var start = store.LightweightSession())
        {
            foreach (var id in ids) start.Events.StartStream<Account>(id, new Opened("a"));
            await start.SaveChangesAsync();
        }

        await using var session = store.LightweightSession();
        var batch = session.CreateBatchQuery();
        var streams = ids.Select(id => batch.Events.FetchForWriting<Account>(id)).ToList();
        await batch.Execute();
        await using (var other = store.LightweightSession())
        {
            other.Events.Append(ids[3], new Added(1, "x"));
            await other.SaveChangesAsync();
        }

        foreach (var stream in streams) (await stream).AppendOne(new Added(2, "x"));
        (await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(session.SaveChangesAsync())).Id.ShouldBe(ids[3]);
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_events")).ShouldBe(6);
    }

    [Fact]
    public async Task Execute_MixedReads_AnswersAll()
    {
        var store = Inline();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"), new Added(1, "x"));
        session.Store(new Note("n", "text"));
        session.Store(new Book { Pages = 1 }, new Book { Pages = 2 }, new Book { Pages = 3 });
        await session.SaveChangesAsync();

        var batch = session.CreateBatchQuery();
        var note = batch.Load<Note>("n");
        var missing = batch.Load<Note>("m");
        var stream = batch.Events.FetchForWriting<Account>(id);
        var state = batch.Events.FetchStreamState(id);
        var events = batch.Events.FetchStream(id);
        var books = batch.Query<Book>().Where(b => b.Pages > 1).OrderByDescending(b => b.Pages).ToList();
        var count = batch.Query<Book>().Count();
        var any = batch.Query<Book>().Where(b => b.Pages > 9).Any();
        var raw = batch.Query<Note>("where data ->> 'text' = ?", "text");
        await batch.Execute();

        (await note)!.Text.ShouldBe("text");
        (await missing).ShouldBeNull();
        (await stream).Aggregate!.Total.ShouldBe(1);
        (await state).Version.ShouldBe(2);
        (await events).Count.ShouldBe(2);
        (await books).Select(b => b.Pages).ShouldBe([3, 2]);
        (await count).ShouldBe(3);
        (await any).ShouldBeFalse();
        (await raw).Count.ShouldBe(1);
    }
}
