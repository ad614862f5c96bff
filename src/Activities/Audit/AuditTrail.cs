using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>One line of a sample's history.</summary>
/// <param name="Text">Plain text of the instruction or text that the event names, when it names one.</param>
/// <param name="Act">The act behind it: models, prompt, sampling, code version.</param>
public sealed record TrailEntry(long Version, string Type, JsonElement Data, JsonElement Headers, string? Text, JsonElement? Act);

/// <summary>History of one sample in one run.</summary>
public sealed record Trail(string Run, Guid Sample, Guid Stream, IReadOnlyList<TrailEntry> Entries);

/// <summary>Shows where a sample came from, revision by revision.</summary>
public sealed class AuditTrail(EventLog log, Contents contents, NpgsqlDataSource database)
{
    /// <summary>Histories of a sample (or stream) id, one for each run that has it.</summary>
    public async Task<IReadOnlyList<Trail>> OfAsync(Guid sampleOrStream, CancellationToken ct)
    {
        var trails = new List<Trail>();
        foreach (var stream in await StreamsAsync(sampleOrStream, ct))
        {
            var events = await log.ReadStreamAsync(stream, ct);
            if (events.Count == 0) continue;
            var hashes = events.SelectMany(e => new[] { Named(e), e.Header(EventHeaders.Act) }).OfType<string>().ToList();
            var texts = await contents.ReadAsync(hashes, ct);
            var sample = events[0].Data.TryGetProperty("sample", out var id) ? id.GetGuid() : sampleOrStream;
            trails.Add(new Trail(events[0].Header(EventHeaders.Run) ?? "", sample, stream, [.. events.Select(e => Entry(e, texts))]));
        }

        return [.. trails.OrderBy(t => t.Run, StringComparer.Ordinal)];
    }

    private static TrailEntry Entry(StoredEvent e, IReadOnlyDictionary<string, string> texts) => new(
        e.Version,
        e.Type,
        e.Data,
        e.Headers,
        Named(e) is { } hash ? texts.GetValueOrDefault(hash) : null,
        e.Header(EventHeaders.Act) is { } act && texts.TryGetValue(act, out var json) ? JsonSerializer.Deserialize<JsonElement>(json) : null);

    private static string? Named(StoredEvent e)
    {
        foreach (var member in new[] { "instruction", "text" })
        {
            if (e.Data.TryGetProperty(member, out var hash) && hash.ValueKind == JsonValueKind.String) return hash.GetString();
        }

        return null;
    }

    private async Task<IReadOnlyList<Guid>> StreamsAsync(Guid id, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select stream_id from {StoreConfiguration.Schema}.mt_events where stream_id = $1
            union select stream_id from {StoreConfiguration.Schema}.mt_events where type = 'text_accepted' and data ->> 'sample' = $2
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = id });
        command.Parameters.Add(new NpgsqlParameter { Value = id.ToString() });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var streams = new List<Guid>();
        while (await reader.ReadAsync(ct)) streams.Add(reader.GetGuid(0));
        return streams;
    }
}
