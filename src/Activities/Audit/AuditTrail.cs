using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Audit;

/// <summary>One event of a history.</summary>
/// <param name="Headers">Act, seed, tokens, money, workflow and activity ids, attempt, worker, time and both chain hashes.</param>
/// <param name="Text">Plain text of the instruction or text that the event names, when it names one.</param>
/// <param name="Act">The act behind it: models, prompt, sampling, code version.</param>
/// <param name="Changes">Of a revision: what became of the instruction before it, word by word.</param>
/// <param name="Prompt">Plain text of the act's prompt, when it was asked for and is stored.</param>
public sealed record TrailEntry(
    long Version, string Type, JsonElement Data, JsonElement Headers, string? Text, JsonElement? Act, IReadOnlyList<DiffPart>? Changes = null, string? Prompt = null);

/// <summary>History of one sample in one run, or of a run, a training or a job.</summary>
public sealed record Trail(string Run, Guid Sample, Guid Stream, IReadOnlyList<TrailEntry> Entries)
{
    /// <summary>Tokens and money of all events.</summary>
    public Cost Cost => Entries.Select(e => CostOf(e.Headers)).Aggregate(default(Cost), (sum, c) => new Cost(sum.TokensIn + c.TokensIn, sum.TokensOut + c.TokensOut, sum.Usd + c.Usd));

    /// <summary>Tokens and money of an event, by its headers.</summary>
    public static Cost CostOf(JsonElement headers)
    {
        return new Cost((long)Number(EventHeaders.TokensIn), (long)Number(EventHeaders.TokensOut), Number(EventHeaders.Usd));

        decimal Number(string name) => headers.ValueKind == JsonValueKind.Object && headers.TryGetProperty(name, out var value) && value.TryGetDecimal(out var number) ? number : 0;
    }
}

/// <summary>Shows where a sample came from, revision by revision.</summary>
public sealed class AuditTrail(EventLog log, Contents contents, NpgsqlDataSource database)
{
    /// <summary>Histories of a sample (or stream) id, one for each run that has it.</summary>
    /// <param name="sampleOrStream">Sample id, or the id of any stream.</param>
    /// <param name="asOf">Only what was there at this time; null for all.</param>
    /// <param name="prompts">Also read the acts' prompts.</param>
    /// <param name="ct">Cancellation.</param>
    public async Task<IReadOnlyList<Trail>> OfAsync(Guid sampleOrStream, CancellationToken ct, DateTimeOffset? asOf = null, bool prompts = false)
    {
        var trails = new List<Trail>();
        foreach (var stream in await StreamsAsync(sampleOrStream, ct))
        {
            var events = (await log.ReadStreamAsync(stream, ct)).Where(e => e.WasThere(asOf)).ToList();
            if (events.Count == 0) continue;
            var texts = await contents.ReadAsync([.. events.SelectMany(e => new[] { Named(e), e.Header(EventHeaders.Act) }).OfType<string>()], ct);
            var sample = events[0].Data.TryGetProperty("sample", out var id) ? id.GetGuid() : sampleOrStream;
            trails.Add(new Trail(events[0].Header(EventHeaders.Run) ?? "", sample, stream, await EntriesAsync(events, texts, prompts, ct)));
        }

        return [.. trails.OrderBy(t => t.Run, StringComparer.Ordinal)];
    }

    private async Task<IReadOnlyList<TrailEntry>> EntriesAsync(List<StoredEvent> events, IReadOnlyDictionary<string, string> texts, bool withPrompts, CancellationToken ct)
    {
        var entries = new List<TrailEntry>();
        string? instruction = null;
        foreach (var e in events)
        {
            var text = Named(e) is { } hash ? texts.GetValueOrDefault(hash) : null;
            var act = e.Header(EventHeaders.Act) is { } name && texts.TryGetValue(name, out var json) ? JsonSerializer.Deserialize<JsonElement>(json) : (JsonElement?)null;
            var isInstruction = text is not null && e.Data.TryGetProperty("instruction", out _);
            entries.Add(new TrailEntry(e.Version, e.Type, e.Data, e.Headers, text, act, isInstruction && instruction is not null ? WordDiff.Of(instruction, text!) : null));
            if (isInstruction) instruction = text;
        }

        if (!withPrompts) return entries;
        var prompts = await contents.ReadAsync([.. entries.Select(Prompt).OfType<string>()], ct);
        return [.. entries.Select(e => Prompt(e) is { } p ? e with { Prompt = prompts.GetValueOrDefault(p) } : e)];
    }

    private static string? Prompt(TrailEntry entry) => entry.Act is { } act && act.TryGetProperty("prompt", out var hash) ? hash.GetString() : null;

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
