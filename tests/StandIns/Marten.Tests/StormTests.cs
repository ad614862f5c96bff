using System.Collections.Concurrent;
using JasperFx;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten.Events;

namespace Marten.Tests;

/// <summary>Many writers at once on few streams, with a daemon that follows: a million events with XINSTRUCT_NIGHTLY, 20,000 without.</summary>
public sealed class StormTests : StoreTest
{
    private const int Writers = 8;
    private const int Streams = 64;

    private static readonly bool IsNightly = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY"));
    private static readonly int Events = IsNightly ? 1_000_000 : 20_000;
    private static readonly int Batch = IsNightly ? 100 : 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(IsNightly ? 120 : 5);

    private readonly Guid[] _streams = [.. Enumerable.Range(0, Streams).Select(_ => Guid.NewGuid())];
    private readonly ConcurrentDictionary<Guid, long> _appended = [];
    private readonly ConcurrentDictionary<string, long> _labels = [];
    private long _committed;
    private long _refused;

    [Fact]
    public async Task Append_ManyWritersOnTheSameStreams_LosesSkipsAndRepeatsNothing()
    {
        var store = Inline(options =>
        {
            options.Projections.Add(new TallyProjection(), ProjectionLifecycle.Async);
            options.Projections.Add(new ActivityProjection(), ProjectionLifecycle.Async);
            // Nothing is passed over in silence.
            options.Projections.Errors.SkipApplyErrors = false;
            options.Projections.Errors.SkipSerializationErrors = false;
            options.Projections.Errors.SkipUnknownEvents = false;
        });
        using var daemon = await store.BuildProjectionDaemonAsync();
        await daemon.StartAllAsync();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(store, writer))));

        // No stream has a gap, and each is as long as what was committed to it.
        var streams = await RowsAsync(
            $"select s.id, s.version, count(e.seq_id), min(e.version), max(e.version), count(distinct e.version) from {Schema}.mt_streams s join {Schema}.mt_events e on e.stream_id = s.id group by s.id, s.version",
            r => (Id: r.GetGuid(0), Version: r.GetInt64(1), Count: r.GetInt64(2), First: r.GetInt64(3), Last: r.GetInt64(4), Distinct: r.GetInt64(5)));
        streams.Count.ShouldBe(Streams);
        foreach (var s in streams) (s.Version, s.Count, s.First, s.Last, s.Distinct).ShouldBe((_appended[s.Id], _appended[s.Id], 1, _appended[s.Id], _appended[s.Id]));

        // The inline projection has lost no update.
        await using var reader = store.QuerySession();
        foreach (var id in _streams)
        {
            var account = (await reader.LoadAsync<Account>(id)).ShouldNotBeNull();
            (account.Total, account.Seen).ShouldBe((_appended[id] - 1, _appended[id]));
        }

        // Numbers are missing only where a transaction was rolled back.
        var (last, count) = (await RowsAsync($"select max(seq_id), count(*) from {Schema}.mt_events", r => (r.GetInt64(0), r.GetInt64(1))))[0];
        count.ShouldBe(_committed);
        (last - count).ShouldBeInRange(0, _refused);
        _refused.ShouldBeGreaterThan(0, "The writers never met: nothing was tried.");

        // The asynchronous ones have skipped none of them and counted none twice.
        await store.WaitForNonStaleProjectionDataAsync(Patience);
        daemon.HighWaterMark().ShouldBe(last);
        foreach (var (label, sum) in _labels) (await reader.LoadAsync<Tally>(label)).ShouldNotBeNull().Sum.ShouldBe(sum, label);
        var live = await SnapshotAsync();
        live.Length.ShouldBeGreaterThan(Streams);
        await daemon.RebuildProjectionAsync("Tally", CancellationToken.None);
        await daemon.RebuildProjectionAsync<Activity>(CancellationToken.None);
        (await SnapshotAsync()).ShouldBe(live);
        await daemon.StopAllAsync();
    }

    private async Task WriteAsync(DocumentStore store, int writer)
    {
        var (random, label) = (new Random(writer), $"writer {writer}");
        for (var left = Events / Writers; left > 0;)
        {
            // Half of the time all want the same few.
            var id = _streams[random.Next(random.Next(2) == 0 ? 4 : Streams)];
            var batch = Math.Min(left, 1 + random.Next(2 * Batch));
            var fresh = 0;
            try
            {
                await using var session = store.LightweightSession();
                var stream = await session.Events.FetchForWriting<Account>(id);
                if (stream.Aggregate is null)
                {
                    stream.AppendOne(new Opened(label));
                    fresh = 1;
                }

                stream.AppendMany(Enumerable.Range(0, batch).Select(_ => (object)new Added(1, label)));
                await session.SaveChangesAsync();
            }
            catch (Exception e) when (e is ConcurrencyException or Exceptions.ExistingStreamIdCollisionException)
            {
                Interlocked.Add(ref _refused, batch + fresh);
                continue;
            }

            _appended.AddOrUpdate(id, batch + fresh, (_, n) => n + batch + fresh);
            _labels.AddOrUpdate(label, batch, (_, n) => n + batch);
            Interlocked.Add(ref _committed, batch + fresh);
            left -= batch;
        }

        // Whoever comes last opens what nobody wanted.
        if (writer == 0) await OpenRestAsync(store);
    }

    private async Task OpenRestAsync(DocumentStore store)
    {
        foreach (var id in _streams)
        {
            await using var session = store.LightweightSession();
            var stream = await session.Events.FetchForWriting<Account>(id);
            if (stream.Aggregate is not null) continue;
            stream.AppendOne(new Opened("nobody"));
            try
            {
                await session.SaveChangesAsync();
            }
            catch (Exception e) when (e is ConcurrencyException or Exceptions.ExistingStreamIdCollisionException)
            {
                Interlocked.Increment(ref _refused);
                continue;
            }

            _appended.AddOrUpdate(id, 1, (_, n) => n + 1);
            Interlocked.Increment(ref _committed);
        }
    }

    private Task<string> SnapshotAsync() => ScalarAsync<string>(
        $"select (select string_agg(id || data::text, ';' order by id) from {Schema}.mt_doc_tally) || (select string_agg(id || data::text, ';' order by id) from {Schema}.mt_doc_activity)");

    private async Task<List<T>> RowsAsync<T>(string sql, Func<Npgsql.NpgsqlDataReader, T> row)
    {
        await using var command = Sql.CreateCommand(sql);
        command.CommandTimeout = 600;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync()) rows.Add(row(reader));
        return rows;
    }
}
