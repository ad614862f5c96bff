using JasperFx.Events.Projections;
using Marten.Events;
using Marten.Schema;
using Npgsql;

namespace Marten
{
    /// <summary>Operations for tests and administrators.</summary>
    public class AdvancedOperations
    {
        private readonly DocumentStore _store;

        internal AdvancedOperations(DocumentStore store) => (_store, Clean) = (store, new DocumentCleaner(store));

        public IDocumentCleaner Clean { get; }

        /// <summary>Deletes all documents and events.</summary>
        public async Task ResetAllData(CancellationToken cancellation = default)
        {
            await Clean.DeleteAllDocumentsAsync(cancellation);
            await Clean.DeleteAllEventDataAsync(cancellation);
        }

        public async Task<EventStoreStatistics> FetchEventStoreStatistics(string? tenantId = null, CancellationToken token = default)
        {
            await _store.Schema.EnsureEventsAsync(token);
            var s = _store.StoreOptions.Events.DatabaseSchemaName;
            await using var command = _store.Database.CreateCommand($"""
                select (select count(*) from {s}.mt_events), (select count(*) from {s}.mt_streams),
                    (select case when is_called then last_value else 0 end from {s}.mt_events_sequence)
                """);
            await using var reader = await command.ExecuteReaderAsync(token);
            await reader.ReadAsync(token);
            return new EventStoreStatistics { EventCount = reader.GetInt64(0), StreamCount = reader.GetInt64(1), EventSequenceNumber = reader.GetInt64(2) };
        }

        public async Task<IReadOnlyList<ShardState>> AllProjectionProgress(string? tenantId = null, CancellationToken token = default)
        {
            await _store.Schema.EnsureEventsAsync(token);
            await using var command = _store.Database.CreateCommand(
                $"select name, coalesce(last_seq_id, 0) from {_store.StoreOptions.Events.DatabaseSchemaName}.mt_event_progression order by name");
            var states = new List<ShardState>();
            await using var reader = await command.ExecuteReaderAsync(token);
            while (await reader.ReadAsync(token)) states.Add(new ShardState(reader.GetString(0), reader.GetInt64(1)));
            return states;
        }

        public async Task<long> ProjectionProgressFor(ShardName name, string? tenantId = null, CancellationToken token = default) =>
            (await AllProjectionProgress(tenantId, token)).FirstOrDefault(s => s.ShardName == name.Identity)?.Sequence ?? 0;
    }
}

namespace Marten.Schema
{
    /// <summary>Deletes data and tables.</summary>
    public interface IDocumentCleaner
    {
        Task DeleteAllDocumentsAsync(CancellationToken ct = default);

        Task DeleteDocumentsByTypeAsync(Type documentType, CancellationToken ct = default);

        Task CompletelyRemoveAsync(Type documentType, CancellationToken ct = default);

        Task CompletelyRemoveAllAsync(CancellationToken ct = default);

        Task DeleteAllEventDataAsync(CancellationToken ct = default);

        Task DeleteSingleEventStreamAsync(Guid streamId, string? tenantId = null, CancellationToken ct = default);
    }

    internal sealed class DocumentCleaner(DocumentStore store) : IDocumentCleaner
    {
        private string Events => store.StoreOptions.Events.DatabaseSchemaName;

        public async Task DeleteAllDocumentsAsync(CancellationToken ct = default)
        {
            var tables = await DocumentTablesAsync(ct);
            if (tables.Count > 0) await ExecuteAsync($"truncate {string.Join(", ", tables)} cascade", ct);
        }

        public async Task DeleteDocumentsByTypeAsync(Type documentType, CancellationToken ct = default)
        {
            var mapping = store.StoreOptions.Schema.MappingOf(documentType);
            await store.Schema.EnsureDocumentAsync(mapping, ct);
            await ExecuteAsync($"truncate {mapping.Table} cascade", ct);
        }

        public async Task CompletelyRemoveAsync(Type documentType, CancellationToken ct = default)
        {
            await ExecuteAsync($"drop table if exists {store.StoreOptions.Schema.MappingOf(documentType).Table} cascade", ct);
            store.Schema.Forget();
        }

        public async Task CompletelyRemoveAllAsync(CancellationToken ct = default)
        {
            var tables = await DocumentTablesAsync(ct);
            tables.AddRange([$"{Events}.mt_events", $"{Events}.mt_streams", $"{Events}.mt_event_progression"]);
            await ExecuteAsync($"drop table if exists {string.Join(", ", tables)} cascade; drop sequence if exists {Events}.mt_events_sequence", ct);
            store.Schema.Forget();
        }

        public async Task DeleteAllEventDataAsync(CancellationToken ct = default)
        {
            await store.Schema.EnsureEventsAsync(ct);
            await ExecuteAsync(
                $"truncate {Events}.mt_events, {Events}.mt_streams, {Events}.mt_event_progression cascade; alter sequence {Events}.mt_events_sequence restart with 1", ct);
        }

        public async Task DeleteSingleEventStreamAsync(Guid streamId, string? tenantId = null, CancellationToken ct = default)
        {
            await store.Schema.EnsureEventsAsync(ct);
            await using var command = store.Database.CreateCommand($"delete from {Events}.mt_streams where id = $1");
            command.Parameters.Add(new NpgsqlParameter { Value = streamId });
            await command.ExecuteNonQueryAsync(ct);
        }

        private async Task<List<string>> DocumentTablesAsync(CancellationToken ct)
        {
            await using var command = store.Database.CreateCommand("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = $1 and starts_with(tablename, 'mt_doc_')");
            command.Parameters.Add(new NpgsqlParameter { Value = store.StoreOptions.DatabaseSchemaName });
            var tables = new List<string>();
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct)) tables.Add(reader.GetString(0));
            return tables;
        }

        private async Task ExecuteAsync(string sql, CancellationToken ct)
        {
            await using var command = store.Database.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(ct);
        }
    }
}
