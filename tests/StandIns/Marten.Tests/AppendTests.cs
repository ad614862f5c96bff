using JasperFx.Events;
using Marten.Events.Archiving;
using Marten.Exceptions;

namespace Marten.Tests;

public sealed class AppendTests : StoreTest
{
    [Fact]
    public async Task StartStream_NewStream_NumbersEventsFromOne()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"), new Added(1, "x"), new Added(2, "y"));
        await session.SaveChangesAsync();

        var events = await session.Events.FetchStreamAsync(id);
        events.Select(e => e.Version).ShouldBe([1, 2, 3]);
        events.Select(e => e.EventTypeName).ShouldBe(["opened", "added", "added"]);
        events[2].Data.ShouldBe(new Added(2, "y"));
        events.ShouldAllBe(e => e.StreamId == id && e.Id != Guid.Empty && !e.IsArchived);
        events.Select(e => e.Sequence).ShouldBeInOrder(SortDirection.Ascending);
    }

    [Fact]
    public async Task StartStream_ExistingStream_ThrowsCollision()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);

        await using var session = store.LightweightSession();
        session.Events.StartStream(Guid.NewGuid(), new Opened("other"));
        session.Events.StartStream(id, new Opened("b"));
        var error = await Should.ThrowAsync<ExistingStreamIdCollisionException>(session.SaveChangesAsync());
        error.Id.ShouldBe(id);
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_streams")).ShouldBe(1);
    }

    [Fact]
    public async Task StartStream_NoEvents_Throws()
    {
        await using var session = Open().LightweightSession();
        Should.Throw<EmptyEventStreamException>(() => session.Events.StartStream(Guid.NewGuid()));
    }

    [Fact]
    public async Task Append_UnknownStream_StartsIt()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.Append(id, new Opened("a"));
        session.Events.Append(id, new Added(1, "x"));
        await session.SaveChangesAsync();
        session.Events.Append(id, new Added(2, "x"));
        await session.SaveChangesAsync();

        (await session.Events.FetchStreamAsync(id)).Select(e => e.Version).ShouldBe([1, 2, 3]);
        (await session.Events.FetchStreamStateAsync(id))!.Version.ShouldBe(3);
    }

    [Fact]
    public async Task Append_SeveralStreamsInterleaved_KeepsEachInOrder()
    {
        var store = Open();
        var ids = Enumerable.Range(0, 20).Select(_ => Guid.NewGuid()).ToArray();
        await using var session = store.LightweightSession();
        for (var round = 0; round < 3; round++)
        {
            foreach (var id in ids) session.Events.Append(id, new Added(round, "x"));
            if (round != 1) await session.SaveChangesAsync();
        }

        foreach (var id in ids)
        {
            var events = await session.Events.FetchStreamAsync(id);
            events.Select(e => (e.Version, ((Added)e.Data).Amount)).ShouldBe([(1, 0), (2, 1), (3, 2)]);
        }
    }

    [Fact]
    public async Task Append_ExpectedVersionMet_Appends()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        await using var session = store.LightweightSession();
        session.Events.Append(id, 3, new Added(1, "x"), new Added(2, "x"));
        await session.SaveChangesAsync();
        (await session.Events.FetchStreamStateAsync(id))!.Version.ShouldBe(3);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task Append_ExpectedVersionMissed_ThrowsAndWritesNothing(long expected)
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        await using (var first = store.LightweightSession())
        {
            first.Events.Append(id, new Added(1, "x"));
            await first.SaveChangesAsync();
        }

        await using var session = store.LightweightSession();
        session.Events.Append(id, expected, new Added(2, "x"));
        session.Store(new Note("n", "not stored"));
        await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(session.SaveChangesAsync());
        (await ScalarAsync<long>($"select count(*) from {Schema}.mt_events")).ShouldBe(2);
        (await session.LoadAsync<Note>("n")).ShouldBeNull();
    }

    [Fact]
    public async Task AppendOptimistic_OtherWriterBetween_Throws()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        await using var slow = store.LightweightSession();
        await slow.Events.AppendOptimistic(id, new Added(1, "slow"));
        await using (var fast = store.LightweightSession())
        {
            await fast.Events.AppendOptimistic(id, new Added(2, "fast"));
            await fast.SaveChangesAsync();
        }

        await Should.ThrowAsync<EventStreamUnexpectedMaxEventIdException>(slow.SaveChangesAsync());
    }

    [Fact]
    public async Task AppendOptimistic_UnknownStream_Throws()
    {
        await using var session = Open().LightweightSession();
        await Should.ThrowAsync<NonExistentStreamException>(session.Events.AppendOptimistic(Guid.NewGuid(), new Opened("a")));
    }

    [Fact]
    public async Task AppendExclusive_OtherWriter_WaitsForTheLock()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        await using var holder = store.LightweightSession();
        await holder.Events.AppendExclusive(id, new Added(1, "first"));
        await using var waiting = store.LightweightSession();
        var append = waiting.Events.AppendExclusive(id, new Added(2, "second"));
        append.IsCompleted.ShouldBeFalse();
        await holder.SaveChangesAsync();
        await append;
        await waiting.SaveChangesAsync();

        (await store.QuerySession().Events.FetchStreamAsync(id)).Select(e => e.Data).Skip(1).ShouldBe([new Added(1, "first"), new Added(2, "second")]);
    }

    [Fact]
    public async Task Append_ManyWritersOfOneStream_LosesNothingAndLeavesNoGap()
    {
        const int writers = 6;
        const int each = 20;
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            for (var i = 0; i < each; i++)
            {
                while (true)
                {
                    await using var session = store.LightweightSession();
                    session.Events.Append(id, new Added(i, $"w{writer}"));
                    try
                    {
                        await session.SaveChangesAsync();
                        break;
                    }
                    catch (EventStreamUnexpectedMaxEventIdException)
                    {
                        // Somebody was faster; the append is tried again.
                    }
                }
            }
        }));

        var events = await store.QuerySession().Events.FetchStreamAsync(id);
        events.Select(e => e.Version).ShouldBe(Enumerable.Range(1, (writers * each) + 1).Select(v => (long)v));
        events.Skip(1).Select(e => (Added)e.Data).GroupBy(e => e.Label).ShouldAllBe(g => g.Select(e => e.Amount).SequenceEqual(Enumerable.Range(0, each)));
    }

    [Fact]
    public async Task FetchStreamAsync_VersionTimestampAndFromVersion_Bound()
    {
        var store = Open();
        var id = Guid.NewGuid();
        await StartAsync(store, id);
        var first = (await store.QuerySession().Events.FetchStreamAsync(id))[0].Timestamp;
        await Task.Delay(20);
        await using var session = store.LightweightSession();
        session.Events.Append(id, new Added(1, "x"), new Added(2, "x"), new Added(3, "x"));
        await session.SaveChangesAsync();

        (await session.Events.FetchStreamAsync(id, version: 3)).Select(e => e.Version).ShouldBe([1, 2, 3]);
        (await session.Events.FetchStreamAsync(id, fromVersion: 3)).Select(e => e.Version).ShouldBe([3, 4]);
        (await session.Events.FetchStreamAsync(id, timestamp: first.AddMilliseconds(5))).Select(e => e.Version).ShouldBe([1]);
    }

    [Fact]
    public async Task FetchStreamStateAsync_UnknownStream_IsNull()
    {
        await using var session = Open().LightweightSession();
        (await session.Events.FetchStreamStateAsync(Guid.NewGuid())).ShouldBeNull();
    }

    [Fact]
    public async Task ArchiveStream_Stream_HidesItsEventsAndRefusesMore()
    {
        var store = Open();
        var (id, other) = (Guid.NewGuid(), Guid.NewGuid());
        await StartAsync(store, id);
        await StartAsync(store, other);
        await using var session = store.LightweightSession();
        session.Events.ArchiveStream(id);
        await session.SaveChangesAsync();

        (await session.Events.FetchStreamStateAsync(id))!.IsArchived.ShouldBeTrue();
        (await session.Events.FetchStreamAsync(id)).ShouldBeEmpty();
        (await session.Events.QueryAllRawEvents().ToListAsync()).Select(e => e.StreamId).ShouldBe([other]);
        session.Events.Append(id, new Added(1, "x"));
        (await Should.ThrowAsync<InvalidStreamOperationException>(session.SaveChangesAsync())).Message.ShouldBe($"Attempted to append event to archived stream with Id '{id}'.");
    }

    [Fact]
    public async Task ArchiveStream_Queries_FindItsEventsWhenTheyAskForThem()
    {
        var store = Inline();
        var (archived, live) = (Guid.NewGuid(), Guid.NewGuid());
        await StartAsync(store, archived);
        await StartAsync(store, live);
        await using var session = store.LightweightSession();
        session.Events.ArchiveStream(archived);
        await session.SaveChangesAsync();

        (await session.Events.QueryAllRawEvents().Where(e => e.IsArchived).ToListAsync()).ShouldAllBe(e => e.StreamId == archived && e.IsArchived);
        (await session.Events.QueryAllRawEvents().Where(e => e.IsArchived && e.Version == 1).CountAsync()).ShouldBe(1);
        (await session.Events.QueryAllRawEvents().Where(e => e.MaybeArchived()).ToListAsync()).Select(e => e.StreamId).Distinct().ShouldBe([archived, live], ignoreOrder: true);
        (await session.Events.QueryAllRawEvents().Where(e => e.Version == 1).ToListAsync()).ShouldHaveSingleItem().StreamId.ShouldBe(live);
        // Its document stays, its id is taken, and nobody writes to it.
        (await session.LoadAsync<Account>(archived)).ShouldNotBeNull();
        await using var again = store.LightweightSession();
        again.Events.StartStream<Account>(archived, new Opened("again"));
        await Should.ThrowAsync<ExistingStreamIdCollisionException>(again.SaveChangesAsync());
        await using var late = store.LightweightSession();
        (await late.Events.FetchForWriting<Account>(archived)).AppendOne(new Added(1, "late"));
        await Should.ThrowAsync<InvalidStreamOperationException>(late.SaveChangesAsync());
    }

    [Theory]
    [InlineData(EventAppendMode.Quick)]
    [InlineData(EventAppendMode.Rich)]
    public async Task SaveChangesAsync_EitherAppendMode_WritesTheSame(EventAppendMode mode)
    {
        var store = Open(options => options.Events.AppendMode = mode);
        var id = Guid.NewGuid();
        await using var session = store.LightweightSession();
        session.Events.StartStream<Account>(id, new Opened("a"));
        await session.SaveChangesAsync();
        session.Events.Append(id, new Added(1, "x"));
        session.Events.Append(Guid.NewGuid(), new Added(2, "x"));
        await session.SaveChangesAsync();

        (await session.Events.FetchStreamAsync(id)).Select(e => (e.Version, e.Data)).ShouldBe([(1, new Opened("a")), (2, new Added(1, "x"))]);
        (await ScalarAsync<string>($"select type from {Schema}.mt_streams where id = '{id}'")).ShouldBe("account");
        (await ScalarAsync<long>($"select count(distinct seq_id) from {Schema}.mt_events")).ShouldBe(3);
    }

    private static async Task StartAsync(DocumentStore store, Guid id)
    {
        await using var session = store.LightweightSession();
        session.Events.StartStream(id, new Opened("a"));
        await session.SaveChangesAsync();
    }
}
