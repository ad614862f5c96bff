using System.Text;
using JasperFx;
using Npgsql;

namespace Marten.Storage;

/// <summary>Creates the tables of the official layout where they are missing.</summary>
internal sealed class SchemaWriter(StoreOptions options, NpgsqlDataSource database)
{
    private const long LockId = 4004;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);

    public async Task ApplyAllAsync(CancellationToken ct)
    {
        foreach (var (projection, _) in options.Projections.All) options.Schema.MappingOf(projection.DocumentType).HasNumericRevision = true;
        var sql = new StringBuilder(EventTables());
        lock (options.Schema.Mappings)
        {
            foreach (var mapping in options.Schema.Mappings.Values) sql.Append(DocumentTable(mapping));
        }

        await ExecuteAsync(sql.ToString(), ct);
    }

    public Task EnsureEventsAsync(CancellationToken ct) => EnsureAsync("events", EventTables, ct);

    public Task EnsureDocumentAsync(DocumentMapping mapping, CancellationToken ct) => EnsureAsync(mapping.Table, () => DocumentTable(mapping), ct);

    private async Task EnsureAsync(string what, Func<string> sql, CancellationToken ct)
    {
        if (options.AutoCreateSchemaObjects == AutoCreate.None || _done.Contains(what)) return;
        await _gate.WaitAsync(ct);
        try
        {
            if (_done.Contains(what)) return;
            await ExecuteAsync(sql(), ct);
            _done.Add(what);
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
        await using var command = connection.CreateCommand();
        command.CommandText =
            $"select pg_advisory_xact_lock({LockId}); create schema if not exists {options.DatabaseSchemaName}; create schema if not exists {options.EventSchema};\n{sql}";
        await command.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
    }

    private string EventTables()
    {
        var s = options.EventSchema;
        var metadata = options.Events.MetadataConfig;
        var optional = (metadata.CorrelationIdEnabled ? "correlation_id varchar null, " : "")
            + (metadata.CausationIdEnabled ? "causation_id varchar null, " : "")
            + (metadata.HeadersEnabled ? "headers jsonb null, " : "");
        return $"""
            create table if not exists {s}.mt_streams (
                id uuid not null, type varchar null, version bigint null, timestamp timestamptz not null default (now()),
                created timestamptz not null default (now()), tenant_id varchar default '*DEFAULT*', is_archived bool default false,
                constraint pkey_mt_streams_id primary key (id));
            create table if not exists {s}.mt_events (
                seq_id bigint not null, id uuid not null, stream_id uuid null, version bigint not null, data jsonb null, bdata bytea null,
                type varchar(500) not null, timestamp timestamptz not null default (now()), tenant_id varchar default '*DEFAULT*',
                mt_dotnet_type varchar null, {optional}is_archived bool default false,
                constraint pkey_mt_events_seq_id primary key (seq_id),
                constraint fkey_mt_events_stream_id foreign key (stream_id) references {s}.mt_streams (id) on delete cascade);
            create unique index if not exists pk_mt_events_stream_and_version on {s}.mt_events using btree (stream_id, version);
            create table if not exists {s}.mt_event_progression (
                name varchar not null, last_seq_id bigint null, last_updated timestamptz null default (transaction_timestamp()),
                constraint pkey_mt_event_progression_name primary key (name));
            create sequence if not exists {s}.mt_events_sequence owned by {s}.mt_events.seq_id;

            """;
    }

    private string DocumentTable(DocumentMapping mapping)
    {
        var table = $"{options.DatabaseSchemaName}.{mapping.Table}";
        var version = mapping.HasNumericRevision ? "mt_version integer not null default 0" : "mt_version uuid not null default (md5(random()::text || clock_timestamp()::text)::uuid)";
        var sql = new StringBuilder($"""
            create table if not exists {table} (
                id uuid not null, data jsonb not null, mt_last_modified timestamptz null default (transaction_timestamp()),
                {version}, mt_dotnet_type varchar null,
                constraint pkey_{mapping.Table}_id primary key (id));

            """);
        foreach (var path in mapping.Indexes)
        {
            sql.AppendLine($"create index if not exists {mapping.Table}_idx_{path.Replace(',', '_').ToLowerInvariant()} on {table} using btree (({Linq.WhereClause.Locator(path)}));");
        }

        return sql.ToString();
    }
}
