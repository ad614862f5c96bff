using JasperFx.Events.Projections;

namespace Marten.Daemon
{
    /// <summary>Waits until every asynchronous projection has seen the events that are there now.</summary>
    internal static class Staleness
    {
        public static async Task WaitAsync(DocumentStore store, TimeSpan timeout)
        {
            var shards = store.StoreOptions.Projections.Aggregations
                .Where(a => a.Base.Lifecycle == ProjectionLifecycle.Async).Select(a => a.Shard.Identity).Append(ShardState.HighWaterMark).ToList();
            if (shards.Count == 1) return;
            using var source = new CancellationTokenSource(timeout);
            IReadOnlyList<ShardState> progress = [];
            try
            {
                var events = await store.Advanced.FetchEventStoreStatistics(token: source.Token);
                while (events.EventCount == 0)
                {
                    await Task.Delay(100, source.Token);
                    events = await store.Advanced.FetchEventStoreStatistics(token: source.Token);
                }

                var goal = await HighestAsync(store, source.Token);
                while (true)
                {
                    progress = await store.Advanced.AllProjectionProgress(token: source.Token);
                    if (shards.TrueForAll(s => progress.Any(p => p.ShardName == s && p.Sequence >= goal))) return;
                    await Task.Delay(50, source.Token);
                }
            }
            catch (OperationCanceledException e)
            {
                throw new TimeoutException(
                    $"The projections were not up to date within {timeout}: {string.Join(", ", shards.Select(s => $"{s} at {progress.FirstOrDefault(p => p.ShardName == s)?.Sequence ?? 0}"))}.", e);
            }
        }

        /// <summary>The highest event that is committed: numbers of transactions that were rolled back never come.</summary>
        private static async Task<long> HighestAsync(DocumentStore store, CancellationToken ct)
        {
            await using var command = store.Database.CreateCommand($"select coalesce(max(seq_id), 0) from {store.StoreOptions.Events.DatabaseSchemaName}.mt_events");
            return (long)(await command.ExecuteScalarAsync(ct))!;
        }
    }
}

namespace Marten.Events
{
    /// <summary>Waits for asynchronous projections in tests.</summary>
    public static class TestingExtensions
    {
        /// <exception cref="TimeoutException">They were not up to date in time, or there are no events.</exception>
        public static Task WaitForNonStaleProjectionDataAsync(this IDocumentStore store, TimeSpan timeout) => Daemon.Staleness.WaitAsync((DocumentStore)store, timeout);
    }
}
