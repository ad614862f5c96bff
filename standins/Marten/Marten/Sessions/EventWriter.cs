using JasperFx.Events;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

/// <summary>Writes streams and events: one statement for streams that begin, one for those at a known version, one for the rest, one for events.</summary>
internal sealed class EventWriter(StoreOptions options, IReadOnlyList<StreamAction> streams)
{
    private readonly string _schema = options.Events.DatabaseSchemaName;
    private readonly List<StreamAction> _started = [.. streams.Where(s => s.ExpectedVersionOnServer == 0)];
    private readonly List<StreamAction> _updated = [.. streams.Where(s => s.ExpectedVersionOnServer > 0).OrderBy(s => s.Id)];
    private readonly Dictionary<Guid, StreamAction> _open = streams.Where(s => s.ExpectedVersionOnServer is null).OrderBy(s => s.Id).ToDictionary(s => s.Id);
    private NpgsqlBatchCommand? _update;
    private int _found;

    public void Queue(NpgsqlBatch batch)
    {
        if (_open.Count > 0) QueueOpen(batch);
        if (_updated.Count > 0)
        {
            _update = Add(
                batch,
                $"""
                update {_schema}.mt_streams s set version = u.next, timestamp = now() from unnest($1, $2, $3) as u(id, expected, next)
                where s.id = u.id and s.version = u.expected and s.is_archived = false
                """,
                [
                    Uuids(_updated.Select(s => s.Id)),
                    Longs(_updated.Select(s => s.ExpectedVersionOnServer!.Value)),
                    Longs(_updated.Select(s => s.Version)),
                ]);
        }

        if (_started.Count > 0)
        {
            Add(
                batch,
                $"insert into {_schema}.mt_streams (id, type, version) select * from unnest($1, $2, $3)",
                [Uuids(_started.Select(s => s.Id)), Texts(_started.Select(s => s.AggregateTypeName)), Longs(_started.Select(s => s.Version))]);
        }

        var events = streams.Where(s => s.ExpectedVersionOnServer is not null).SelectMany(s => s.Events).ToList();
        if (events.Count == 0) return;
        var parameters = new List<NpgsqlParameter>();
        var (columns, values, source) = Columns(events, parameters, 1);
        Add(batch, $"insert into {_schema}.mt_events ({columns}, version) select {values}, e.version from {source}", parameters);
    }

    /// <summary>Reads the versions that streams got whose version nobody knew.</summary>
    public async Task ReadAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        if (_open.Count == 0) return;
        while (await reader.ReadAsync(ct))
        {
            var stream = _open[reader.GetGuid(0)];
            stream.Version = reader.GetInt64(1);
            var version = stream.Version - stream.Events.Count;
            foreach (var e in stream.Events) e.Version = ++version;
            _found++;
        }
    }

    /// <exception cref="EventStreamUnexpectedMaxEventIdException">A stream was not where it should be; the caller finds out which.</exception>
    public void Check()
    {
        if (_found != _open.Count || (_update is not null && _update.RecordsAffected != _updated.Count))
        {
            throw new EventStreamUnexpectedMaxEventIdException("A stream is not at the version that its writer expects.");
        }
    }

    private static NpgsqlBatchCommand Add(NpgsqlBatch batch, string sql, IEnumerable<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) command.Parameters.Add(parameter);
        batch.BatchCommands.Add(command);
        return command;
    }

    private static NpgsqlParameter Uuids(IEnumerable<Guid> values) => Array(values.ToArray(), NpgsqlDbType.Uuid);

    private static NpgsqlParameter Longs(IEnumerable<long> values) => Array(values.ToArray(), NpgsqlDbType.Bigint);

    private static NpgsqlParameter Texts(IEnumerable<string?> values) => Array(values.ToArray(), NpgsqlDbType.Varchar);

    private static NpgsqlParameter Jsons(IEnumerable<byte[]?> values) => Array(values.ToArray(), NpgsqlDbType.Jsonb);

    private static NpgsqlParameter Array(object values, NpgsqlDbType type) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | type };

    /// <summary>Streams that take events at any version: they begin or move on, and the events are numbered from what came back.</summary>
    private void QueueOpen(NpgsqlBatch batch)
    {
        var parameters = new List<NpgsqlParameter>
        {
            Uuids(_open.Keys),
            Texts(_open.Values.Select(s => s.AggregateTypeName)),
            Longs(_open.Values.Select(s => (long)s.Events.Count)),
        };
        var (columns, values, source) = Columns([.. _open.Values.SelectMany(s => s.Events)], parameters, parameters.Count + 1);
        Add(
            batch,
            $"""
            with s as (
                insert into {_schema}.mt_streams as t (id, type, version) select * from unnest($1, $2, $3)
                on conflict (id) do update set version = t.version + excluded.version, timestamp = now() where t.is_archived = false
                returning id, version, $3[array_position($1, id)] as added),
            e as (
                insert into {_schema}.mt_events ({columns}, version)
                select {values}, s.version - s.added + e.version from {source} join s on s.id = e.stream order by e.ordinal)
            select id, version from s
            """,
            parameters);
    }

    /// <summary>The columns of events, the values for them and the rows that the values come from, called e.</summary>
    private (string Columns, string Values, string Source) Columns(IReadOnlyList<IEvent> events, List<NpgsqlParameter> parameters, int next)
    {
        var kinds = new Dictionary<(string, string), int>();
        var kindOf = new int[events.Count];
        for (var i = 0; i < events.Count; i++)
        {
            var kind = (events[i].EventTypeName, events[i].DotNetTypeName);
            if (!kinds.TryGetValue(kind, out var index)) kinds[kind] = index = kinds.Count + 1;
            kindOf[i] = index;
        }

        // Names go over the wire once for each type.
        parameters.Add(Texts(kinds.Keys.Select(k => k.Item1)));
        parameters.Add(Texts(kinds.Keys.Select(k => k.Item2)));
        var (names, dotnet) = ($"${next}", $"${next + 1}");
        var first = parameters.Count;
        var isRich = options.Events.AppendMode == EventAppendMode.Rich;
        var columns = "seq_id, id, stream_id, data, type, mt_dotnet_type, timestamp, tenant_id, is_archived";
        var values = $"{(isRich ? "e.sequence" : $"nextval('{_schema}.mt_events_sequence')")}, e.id, e.stream, e.data, ({names})[e.kind], ({dotnet})[e.kind], e.timestamp, '*DEFAULT*', false";
        var source = "id, stream, data, kind, timestamp, version";
        parameters.Add(Uuids(events.Select(e => e.Id)));
        parameters.Add(Uuids(events.Select(e => e.StreamId)));
        parameters.Add(Jsons(events.Select(e => options.Json.Write(e.Data))));
        parameters.Add(Array(kindOf, NpgsqlDbType.Integer));
        parameters.Add(Array(events.Select(e => e.Timestamp.UtcDateTime).ToArray(), NpgsqlDbType.TimestampTz));
        parameters.Add(Longs(events.Select(e => e.Version)));
        if (isRich) Optional(true, "", "sequence", Longs(events.Select(e => e.Sequence)));
        var metadata = options.Events.MetadataConfig;
        if (metadata.HeadersEnabled) Optional(false, "headers", "headers", Jsons(events.Select(e => e.Headers is null ? null : options.Json.Write(e.Headers))));
        if (metadata.CorrelationIdEnabled) Optional(false, "correlation_id", "correlation", Texts(events.Select(e => e.CorrelationId)));
        if (metadata.CausationIdEnabled) Optional(false, "causation_id", "causation", Texts(events.Select(e => e.CausationId)));
        var markers = string.Join(", ", Enumerable.Range(first + 1, parameters.Count - first).Select(i => $"${i}"));
        return (columns, values, $"unnest({markers}) with ordinality as e({source}, ordinal)");

        void Optional(bool sourceOnly, string column, string name, NpgsqlParameter parameter)
        {
            parameters.Add(parameter);
            source += ", " + name;
            if (sourceOnly) return;
            columns += ", " + column;
            values += ", e." + name;
        }
    }
}
