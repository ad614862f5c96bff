using System.Text.Json;
using JasperFx.Events;
using Marten.Events;
using Marten.Storage;
using Npgsql;

namespace Marten.Sessions;

/// <summary>Reads events and stream states.</summary>
internal class EventReader(StoreOptions options, SchemaWriter schema, NpgsqlDataSource database) : IQueryEventStore
{
    public async Task<IReadOnlyList<IEvent>> FetchStreamAsync(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, long fromVersion = 0, CancellationToken token = default)
    {
        await schema.EnsureEventsAsync(token);
        var headers = options.Events.MetadataConfig.HeadersEnabled ? "headers::text" : "null::text";
        await using var command = database.CreateCommand($"""
            select seq_id, id, version, data::text, type, timestamp, mt_dotnet_type, {headers}, is_archived from {options.EventSchema}.mt_events
            where stream_id = $1 and version >= $2 and ($3 = 0 or version <= $3) and ($4::timestamptz is null or timestamp <= $4) order by version
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = streamId });
        command.Parameters.Add(new NpgsqlParameter { Value = fromVersion });
        command.Parameters.Add(new NpgsqlParameter { Value = version });
        command.Parameters.Add(new NpgsqlParameter { Value = (object?)timestamp?.ToUniversalTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
        var events = new List<IEvent>();
        await using var reader = await command.ExecuteReaderAsync(token);
        while (await reader.ReadAsync(token))
        {
            var (name, dotnet) = (reader.GetString(4), reader.IsDBNull(6) ? null : reader.GetString(6));
            var type = options.EventGraph.TypeOf(name, dotnet);
            var e = options.EventGraph.Wrap(JsonSerializer.Deserialize(reader.GetString(3), type, options.Json)!);
            (e.Sequence, e.Id, e.StreamId, e.Version) = (reader.GetInt64(0), reader.GetGuid(1), streamId, reader.GetInt64(2));
            (e.EventTypeName, e.Timestamp, e.IsArchived) = (name, reader.GetFieldValue<DateTimeOffset>(5), reader.GetBoolean(8));
            if (!reader.IsDBNull(7)) e.Headers = JsonSerializer.Deserialize<Dictionary<string, object>>(reader.GetString(7), options.Json);
            events.Add(e);
        }

        return events;
    }

    public async Task<StreamState?> FetchStreamStateAsync(Guid streamId, CancellationToken token = default)
    {
        await schema.EnsureEventsAsync(token);
        await using var command = database.CreateCommand(
            $"select version, timestamp, created, is_archived from {options.EventSchema}.mt_streams where id = $1");
        command.Parameters.Add(new NpgsqlParameter { Value = streamId });
        await using var reader = await command.ExecuteReaderAsync(token);
        return await reader.ReadAsync(token)
            ? new StreamState
            {
                Id = streamId,
                Version = reader.GetInt64(0),
                LastTimestamp = reader.GetFieldValue<DateTimeOffset>(1),
                Created = reader.GetFieldValue<DateTimeOffset>(2),
                IsArchived = reader.GetBoolean(3),
            }
            : null;
    }

    public async Task<T?> AggregateStreamAsync<T>(
        Guid streamId, long version = 0, DateTimeOffset? timestamp = null, T? state = null, long fromVersion = 0, CancellationToken token = default)
        where T : class
    {
        var projection = options.Projections.All.Select(p => p.Projection).FirstOrDefault(p => p.DocumentType == typeof(T))
            ?? throw new NotSupportedException($"No projection of {typeof(T)} is registered.");
        object? snapshot = state;
        foreach (var e in await FetchStreamAsync(streamId, version, timestamp, fromVersion, token)) snapshot = projection.Fold(snapshot, streamId, e);
        return (T?)snapshot;
    }
}
