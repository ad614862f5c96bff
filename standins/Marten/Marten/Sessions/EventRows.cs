using JasperFx.Events;
using Marten.Exceptions;
using Npgsql;

namespace Marten.Sessions;

/// <summary>Reads rows of mt_events.</summary>
internal sealed class EventRows
{
    private readonly StoreOptions _options;
    private readonly int _headers = -1;
    private readonly int _correlation = -1;
    private readonly int _causation = -1;

    public EventRows(StoreOptions options, string prefix = "")
    {
        _options = options;
        var names = new List<string> { "seq_id", "id", "stream_id", "version", "data", "type", "timestamp", "mt_dotnet_type", "is_archived" };
        var metadata = options.Events.MetadataConfig;
        if (metadata.HeadersEnabled) (_headers, _) = (names.Count, Add("headers"));
        if (metadata.CorrelationIdEnabled) (_correlation, _) = (names.Count, Add("correlation_id"));
        if (metadata.CausationIdEnabled) (_causation, _) = (names.Count, Add("causation_id"));
        Columns = string.Join(", ", names.Select(n => prefix + n));

        int Add(string name)
        {
            names.Add(name);
            return names.Count;
        }
    }

    public string Columns { get; }

    /// <exception cref="UnknownEventTypeException">Nobody registered the stored type.</exception>
    /// <exception cref="EventDeserializationFailureException">The data does not fit the type.</exception>
    public IEvent Read(NpgsqlDataReader reader)
    {
        var sequence = reader.GetInt64(0);
        var name = reader.GetString(5);
        Type type;
        try
        {
            type = _options.EventGraph.Resolve(name, reader.IsDBNull(7) ? null : reader.GetString(7));
        }
        catch (UnknownEventTypeException)
        {
            throw new UnknownEventTypeException(name, sequence);
        }

        IEvent e;
        try
        {
            e = _options.EventGraph.Of(type).Wrap(_options.Json.Read(reader.GetFieldValue<byte[]>(4), type));
        }
        catch (Exception inner)
        {
            throw new EventDeserializationFailureException(sequence, name, inner);
        }

        (e.Sequence, e.Id, e.StreamId, e.Version) = (sequence, reader.GetGuid(1), reader.GetGuid(2), reader.GetInt64(3));
        (e.EventTypeName, e.Timestamp) = (name, reader.GetFieldValue<DateTimeOffset>(6));
        (e.DotNetTypeName, e.IsArchived) = (reader.IsDBNull(7) ? "" : reader.GetString(7), !reader.IsDBNull(8) && reader.GetBoolean(8));
        if (_headers >= 0 && !reader.IsDBNull(_headers)) e.Headers = _options.Json.Read<Dictionary<string, object>?>(reader.GetFieldValue<byte[]>(_headers));
        if (_correlation >= 0 && !reader.IsDBNull(_correlation)) e.CorrelationId = reader.GetString(_correlation);
        if (_causation >= 0 && !reader.IsDBNull(_causation)) e.CausationId = reader.GetString(_causation);
        return e;
    }

    public async Task<List<IEvent>> ReadAllAsync(NpgsqlDataReader reader, CancellationToken ct)
    {
        var events = new List<IEvent>();
        while (await reader.ReadAsync(ct)) events.Add(Read(reader));
        return events;
    }
}
