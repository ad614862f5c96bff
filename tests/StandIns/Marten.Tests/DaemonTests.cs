using System.Diagnostics;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten.Events;
using Npgsql;

namespace Marten.Tests;

public sealed class DaemonTests : StoreTest
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task StartAllAsync_EventsBeforeAndAfter_ReachesTheDocuments()
    {
        var store = Async();
        var id = Guid.NewGuid();
        await AppendAsync(store, id, new Opened("a"), new Added(1, "x"));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Account>(id))!.Total.ShouldBe(1);

        await AppendAsync(store, id, new Added(2, "x"));
        await AppendAsync(store, Guid.NewGuid(), new Added(4, "x"), new Added(8, "y"));
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        var reader = store.QuerySession();
        (await reader.LoadAsync<Account>(id))!.Total.ShouldBe(3);
        (await reader.LoadAsync<Account>(id))!.Seen.ShouldBe(3);
        (await reader.LoadAsync<Tally>("x"))!.Sum.ShouldBe(7);
        (await reader.LoadAsync<Tally>("y"))!.Sum.ShouldBe(8);
        await daemon.StopAllAsync();
        (await ScalarAsync<string[]>($"select array(select name::text from {Schema}.mt_event_progression order by name)"))
            .ShouldBe(["Account:All", "HighWaterMark", "Tally:All"], ignoreOrder: true);
        (await ScalarAsync<long>($"select min(last_seq_id) from {Schema}.mt_event_progression")).ShouldBe(5);
    }

    [Fact]
    public async Task StartAllAsync_SecondDaemonLater_GoesOnWhereTheFirstStopped()
    {
        var store = Async();
        var id = Guid.NewGuid();
        for (var i = 0; i < 3; i++)
        {
            await AppendAsync(store, id, new Added(1, "x"));
            using var daemon = await store.BuildProjectionDaemonAsync();
            await daemon.StartAllAsync();
            await store.WaitForNonStaleProjectionDataAsync(Patience);
            await daemon.StopAllAsync();
        }

        (await store.QuerySession().LoadAsync<Tally>("x"))!.Sum.ShouldBe(3);
    }

    [Fact]
    public async Task HighWaterMark_SlowTransaction_IsWaitedFor()
    {
        var store = Async();
        await AppendAsync(store, Guid.NewGuid(), new Added(1, "x"));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);

        // A writer takes a number and does not commit; others commit behind it.
        await using var slow = await Sql.OpenConnectionAsync();
        await using var transaction = await slow.BeginTransactionAsync();
        var stream = Guid.NewGuid();
        await using (var insert = new NpgsqlCommand(
            $$"""
            insert into {{Schema}}.mt_streams (id, version) values ('{{stream}}', 1);
            insert into {{Schema}}.mt_events (seq_id, id, stream_id, version, data, type, mt_dotnet_type)
            values (nextval('{{Schema}}.mt_events_sequence'), gen_random_uuid(), '{{stream}}', 1, '{"amount": 2, "label": "x"}', 'added', null)
            """,
            slow))
        {
            await insert.ExecuteNonQueryAsync();
        }

        await AppendAsync(store, Guid.NewGuid(), new Added(4, "x"));
        await Task.Delay(TimeSpan.FromSeconds(5));
        daemon.HighWaterMark().ShouldBe(1);
        (await store.QuerySession().LoadAsync<Tally>("x"))!.Sum.ShouldBe(1);

        await transaction.CommitAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Tally>("x"))!.Sum.ShouldBe(7);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task HighWaterMark_RolledBackNumbers_ArePassedOver()
    {
        var store = Async();
        await AppendAsync(store, Guid.NewGuid(), new Added(1, "x"));
        await ScalarAsync<long>($"select nextval('{Schema}.mt_events_sequence') + nextval('{Schema}.mt_events_sequence')");
        await AppendAsync(store, Guid.NewGuid(), new Added(2, "x"));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Tally>("x"))!.Sum.ShouldBe(3);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task StartAllAsync_ManyWritersMeanwhile_CountsEachEventOnce()
    {
        var store = Async();
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var i = 0; i < 25; i++)
            {
                await AppendAsync(store, Guid.NewGuid(), new Opened("a"), new Added(1, "x"), new Added(1, "x"));
            }
        }));
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Tally>("x"))!.Sum.ShouldBe(200);
        (await store.QuerySession().Query<Account>().CountAsync()).ShouldBe(100);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task RebuildProjectionAsync_DamagedDocuments_EqualTheLiveOnes()
    {
        var store = Async();
        for (var i = 0; i < 10; i++) await AppendAsync(store, Guid.NewGuid(), new Opened($"a{i}"), new Added(i, "x"), new Added(1, "y"));
        await AppendAsync(store, Guid.NewGuid(), new Opened("gone"), new Closed());
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        var live = await SnapshotAsync();

        await ExecuteAsync($"""
            update {Schema}.mt_doc_account set data = data || jsonb_build_object('total', 999);
            delete from {Schema}.mt_doc_tally where id = 'x';
            """);
        (await SnapshotAsync()).ShouldNotBe(live);
        await daemon.RebuildProjectionAsync<Account>(CancellationToken.None);
        await daemon.RebuildProjectionAsync("Tally", CancellationToken.None);
        (await SnapshotAsync()).ShouldBe(live);

        await AppendAsync(store, Guid.NewGuid(), new Added(100, "y"));
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Tally>("y"))!.Sum.ShouldBe(110);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task RebuildProjectionAsync_InlineProjection_EqualsTheInlineDocuments()
    {
        var store = Inline();
        for (var i = 0; i < 5; i++) await AppendAsync(store, Guid.NewGuid(), new Opened($"a{i}"), new Added(i, "x"));
        var sql = $"select string_agg(id || data::text || mt_version, ',' order by id) from {Schema}.mt_doc_account";
        var inline = await ScalarAsync<string>(sql);
        await ExecuteAsync($"delete from {Schema}.mt_doc_account");
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.RebuildProjectionAsync<Account>(CancellationToken.None);
        (await ScalarAsync<string>(sql)).ShouldBe(inline);
    }

    [Fact]
    public async Task Errors_Skipped_GoesOnWithoutTheEvent()
    {
        var store = Async(options => options.Projections.Errors.SkipApplyErrors = true);
        var id = Guid.NewGuid();
        await AppendAsync(store, id, new Opened("a"), new Added(1, "x"), new Added(-1, "x"), new Added(2, "x"));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        (await store.QuerySession().LoadAsync<Account>(id))!.Total.ShouldBe(3);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task Errors_NotSkipped_PausesBeforeTheEvent()
    {
        var store = Async(options => options.Projections.Errors.SkipApplyErrors = false);
        await AppendAsync(store, Guid.NewGuid(), new Opened("a"), new Added(-1, "x"));
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        var clock = Stopwatch.StartNew();
        while (!daemon.HasAnyPaused() && clock.Elapsed < Patience) await Task.Delay(10);
        daemon.StatusFor("Account:All").ShouldBe(AgentStatus.Paused);
        (await store.QuerySession().Query<Account>().CountAsync()).ShouldBe(0);
        (await store.Advanced.ProjectionProgressFor(new ShardName("Account"))).ShouldBe(0);
        await daemon.StopAllAsync();
    }

    [Fact]
    public async Task FetchForWriting_AsyncProjection_IsUpToDateBeforeTheDaemonIs()
    {
        var store = Async();
        var id = Guid.NewGuid();
        await AppendAsync(store, id, new Opened("a"), new Added(1, "x"));
        using (var daemon = await store.BuildProjectionDaemonAsync())
        {
            await daemon.StartAllAsync();
            await store.WaitForNonStaleProjectionDataAsync(Patience);
            await daemon.StopAllAsync();
        }

        await AppendAsync(store, id, new Added(2, "x"));
        await using var session = store.LightweightSession();
        (await session.Events.FetchForWriting<Account>(id)).Aggregate!.Total.ShouldBe(3);
    }

    [Fact]
    public async Task WaitForNonStaleProjectionDataAsync_NoDaemon_TimesOut()
    {
        var store = Async();
        await AppendAsync(store, Guid.NewGuid(), new Added(1, "x"));
        await Should.ThrowAsync<TimeoutException>(store.WaitForNonStaleProjectionDataAsync(TimeSpan.FromMilliseconds(300)));
    }

    private static async Task AppendAsync(DocumentStore store, Guid id, params object[] events)
    {
        await using var session = store.LightweightSession();
        session.Events.Append(id, events);
        await session.SaveChangesAsync();
    }

    private DocumentStore Async(Action<StoreOptions>? configure = null) => Open(options =>
    {
        options.Events.AddEventType<Added>();
        options.Projections.Add(new AccountProjection(), ProjectionLifecycle.Async);
        options.Projections.Add(new TallyProjection(), ProjectionLifecycle.Async);
        configure?.Invoke(options);
    });

    private Task<string> SnapshotAsync() => ScalarAsync<string>($"""
        select (select string_agg(id || data::text || mt_version, ',' order by id) from {Schema}.mt_doc_account)
            || (select string_agg(id || data::text || mt_version, ',' order by id) from {Schema}.mt_doc_tally)
        """);
}
