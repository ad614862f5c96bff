using JasperFx.Events;
using Marten.Linq;
using Npgsql;
using NpgsqlTypes;

namespace Marten.Sessions;

/// <summary>Reads events and stream states.</summary>
internal sealed class EventReader(QuerySession session) : Events.IQueryEventStore
{
    private readonly EventRows _rows = new(session.Options);

    private string Schema => session.Options.Events.DatabaseSchemaName;

    public IMartenQueryable<T> QueryRawEventDataOnly<T>()
        where T : notnull => new MartenLinqQueryable<T>(new MartenQueryProvider(session, new EventDataSource<T>(session)));

    public IMartenQueryable<IEvent> QueryAllRawEvents() => new MartenLinqQueryable<IEvent>(new MartenQueryProvider(session, new EventSource(session)));

    public async Task<IReadOnlyList<IEvent>> FetchStreamAsync(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default)
    {
        await session.Schema.EnsureEventsAsync(token);
        return await session.ExecuteAsync(StreamCommand(streamId, version, timestamp, fromVersion), ReadEventsAsync, token);
    }

    public async Task<IEvent?> LoadAsync(Guid id, CancellationToken token = default)
    {
        await session.Schema.EnsureEventsAsync(token);
        var command = new NpgsqlBatchCommand($"select {_rows.Columns} from {Schema}.mt_events where id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        return (await session.ExecuteAsync(command, ReadEventsAsync, token)).FirstOrDefault();
    }

    public async Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default)
    {
        await session.Schema.EnsureEventsAsync(token);
        return await session.ExecuteAsync(StateCommand(streamId), ReadStateAsync, token);
    }

    public async Task<T?> AggregateStreamAsync<T>(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
        where T : class
    {
        var aggregation = session.Options.Projections.Aggregating(typeof(T)) ?? throw new NotSupportedException($"No projection of {typeof(T)} is registered.");
        var events = await FetchStreamAsync(streamId, version, timestamp, fromVersion, token);
        if (events.Count == 0) return state;
        return version != 0 && version > events[^1].Version ? null : (T?)aggregation.Fold(state, streamId, events);
    }

    public NpgsqlBatchCommand StreamCommand(Guid streamId, long version, DateTimeOffset? timestamp, long fromVersion)
    {
        var command = new NpgsqlBatchCommand($"""
            select {_rows.Columns} from {Schema}.mt_events
            where stream_id = $1 and is_archived = false and version >= $2 and ($3 = 0 or version <= $3) and ($4::timestamptz is null or timestamp <= $4)
            order by version
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = streamId });
        command.Parameters.Add(new NpgsqlParameter { Value = fromVersion });
        command.Parameters.Add(new NpgsqlParameter { Value = version });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)timestamp?.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        return command;
    }

    public NpgsqlBatchCommand StateCommand(Guid streamId)
    {
        var command = new NpgsqlBatchCommand($"select id, version, type, timestamp, created, is_archived from {Schema}.mt_streams where id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = streamId });
        return command;
    }

    public async Task<IReadOnlyList<IEvent>> ReadEventsAsync(NpgsqlDataReader reader, CancellationToken ct) => await _rows.ReadAllAsync(reader, ct);

    public async Task<StreamState?> ReadStateAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        if (!await reader.ReadAsync(ct)) return null;
        var alias = reader.IsDBNull(2) ? null : reader.GetString(2);
        var type = session.Options.Projections.Aggregations.FirstOrDefault(a => Storage.Naming.Snake(a.DocumentType.Name) == alias)?.DocumentType;
        return new StreamState(reader.GetGuid(0), reader.GetInt64(1), type, reader.GetFieldValue<DateTimeOffset>(3), reader.GetFieldValue<DateTimeOffset>(4))
        {
            IsArchived = reader.GetBoolean(5),
        };
    }
}
