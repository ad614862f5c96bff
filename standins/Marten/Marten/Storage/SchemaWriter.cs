using System.Collections.Concurrent;
using System.Text;
using JasperFx;
using Npgsql;

namespace Marten.Storage;

/// <summary>Creates the tables of the official layout where they are missing.</summary>
internal sealed class SchemaWriter(StoreOptions options, NpgsqlDataSource database)
{
    private const long LockId = 4004;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentDictionary<string, bool> _done = new(StringComparer.Ordinal);

    public async Task ApplyAllAsync(CancellationToken ct)
    {
        foreach (var aggregation in options.Projections.Aggregations) options.Schema.MappingOf(aggregation.DocumentType);
        var mappings = options.Schema.All;
        await ExecuteAsync(EventTables() + string.Concat(mappings.Select(DocumentTable)), ct);
        _done["events"] = true;
        foreach (var mapping in mappings) _done[mapping.Table] = true;
    }

    public ValueTask EnsureEventsAsync(CancellationToken ct) => EnsureAsync("events", EventTables, ct);

    public ValueTask EnsureDocumentAsync(DocumentMapping mapping, CancellationToken ct) => EnsureAsync(mapping.Table, () => DocumentTable(mapping), ct);

    /// <summary>Forgets what exists, after tables were dropped.</summary>
    public void Forget() => _done.Clear();

    private ValueTask EnsureAsync(string what, Func<string> sql, CancellationToken ct) =>
        options.AutoCreateSchemaObjects == AutoCreate.None || _done.ContainsKey(what) ? ValueTask.CompletedTask : new ValueTask(CreateAsync(what, sql, ct));

    private async Task CreateAsync(string what, Func<string> sql, CancellationToken ct)
    {
        await _gate.WaitAsync(ct);
        try
        {
            if (_done.ContainsKey(what)) return;
            await ExecuteAsync(sql(), ct);
            _done[what] = true;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task ExecuteAsync(string sql, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var command = new NpgsqlCommand(
            $"""
            select pg_advisory_xact_lock({LockId});
            create schema if not exists {options.DatabaseSchemaName}; create schema if not exists {options.Events.DatabaseSchemaName};
            {sql}
            """,
            connection,
            transaction);
        await command.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
    }

    private string EventTables()
    {
        var s = options.Events.DatabaseSchemaName;
        var metadata = options.Events.MetadataConfig;
        List<string> columns = [];
        if (metadata.CorrelationIdEnabled) columns.Add("correlation_id varchar null");
        if (metadata.CausationIdEnabled) columns.Add("causation_id varchar null");
        if (metadata.HeadersEnabled) columns.Add("headers jsonb null");
        var optional = string.Concat(columns.Select(c => c + ", "));
        return $"""
            create table if not exists {s}.mt_streams (
                id uuid not null, type varchar null, version bigint null, timestamp timestamptz not null default (now()),
                created timestamptz not null default (now()), tenant_id varchar default '*DEFAULT*', is_archived bool default false,
                constraint pkey_mt_streams_id primary key (id));
            create table if not exists {s}.mt_events (
                seq_id bigint not null, id uuid not null, stream_id uuid null, version bigint not null, data jsonb not null, bdata bytea null,
                type varchar(500) not null, timestamp timestamptz not null default (now()), tenant_id varchar default '*DEFAULT*',
                mt_dotnet_type varchar null, {optional}is_archived bool default false,
                constraint pkey_mt_events_seq_id primary key (seq_id),
                constraint fkey_mt_events_stream_id foreign key (stream_id) references {s}.mt_streams (id) on delete cascade);
            create unique index if not exists pk_mt_events_stream_and_version on {s}.mt_events using btree (stream_id, version);
            create sequence if not exists {s}.mt_events_sequence owned by {s}.mt_events.seq_id;
            create table if not exists {s}.mt_event_progression (
                name varchar not null, last_seq_id bigint null, last_updated timestamptz null default (transaction_timestamp()),
                constraint pk_mt_event_progression primary key (name));

            """ + string.Concat(columns.Select(AddLater));
    }

    /// <summary>A column that came to be wanted when the table was there already. Altering takes the table's lock even where the column is there, so it is looked for first.</summary>
    private string AddLater(string column) => options.AutoCreateSchemaObjects == AutoCreate.CreateOnly ? "" : $"""
        do $$ begin
        if not exists (select from information_schema.columns where table_schema = '{options.Events.DatabaseSchemaName}' and table_name = 'mt_events' and column_name = '{column[..column.IndexOf(' ', StringComparison.Ordinal)]}') then
            alter table {options.Events.DatabaseSchemaName}.mt_events add column {column};
        end if; end $$;

        """;

    private string DocumentTable(DocumentMapping mapping)
    {
        var version = mapping.IsProjected ? "bigint not null default 0" : "uuid not null default (md5(random()::text || clock_timestamp()::text)::uuid)";
        return new StringBuilder($"""
            create table if not exists {mapping.Table} (
                id {mapping.IdSql} not null, data jsonb not null, mt_last_modified timestamptz null default (transaction_timestamp()),
                mt_version {version}, mt_dotnet_type varchar null,
                constraint pkey_{mapping.TableName}_id primary key (id));

            """).AppendJoin('\n', mapping.IndexSql(options.Json)).AppendLine().ToString();
    }
}
