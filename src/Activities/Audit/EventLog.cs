using System.Runtime.CompilerServices;
using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>An event as it is stored.</summary>
public sealed record StoredEvent(long Sequence, Guid Stream, long Version, string Type, JsonElement Data, JsonElement Headers)
{
    /// <summary>A text header; null when it is missing.</summary>
    public string? Header(string name) =>
        Headers.ValueKind == JsonValueKind.Object && Headers.TryGetProperty(name, out var value) ? value.ToString() : null;
}

/// <summary>Merkle roots over a run's events.</summary>
/// <param name="Content">Over (sample id, version, content hash) of all samples, ordered by sample id and version.</param>
/// <param name="Record">Over (stream, version, record hash) of all streams, ordered by stream and version.</param>
/// <param name="Events">Leaves of <paramref name="Record"/>.</param>
public sealed record Roots(string Content, string Record, long Events);

/// <summary>The run's events as rows, read past the event store's own types: what an auditor checks is what is on the disk.</summary>
public sealed class EventLog(NpgsqlDataSource database)
{
    private const string Whole = "data::text, headers::text";

    // What roots are made of is a small part of what would else be put in order and read.
    private const string OfRoots = $$"""
        (case type when 'text_accepted' then jsonb_build_object('sample', data -> 'sample') else '{}' end)::text,
        jsonb_build_object('{{EventHeaders.Content}}', headers -> '{{EventHeaders.Content}}', '{{EventHeaders.Record}}', headers -> '{{EventHeaders.Record}}')::text
        """;

    /// <summary>All events of a run, by stream and version.</summary>
    public IAsyncEnumerable<StoredEvent> ReadAsync(string run, CancellationToken ct) => ReadAsync(run, Whole, ct);

    private async IAsyncEnumerable<StoredEvent> ReadAsync(string run, string parts, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select seq_id, stream_id, version, type, {parts} from {StoreConfiguration.Schema}.mt_events
            where stream_id in (select stream_id from {StoreConfiguration.Schema}.mt_events where headers ->> 'run' = $1)
            order by stream_id, version
            """);
        command.CommandTimeout = 0;
        command.Parameters.Add(new NpgsqlParameter { Value = run });
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct)) yield return Read(reader);
    }

    /// <summary>Events of one stream, by version.</summary>
    public async Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(Guid stream, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"""
            select seq_id, stream_id, version, type, {Whole} from {StoreConfiguration.Schema}.mt_events
            where stream_id = $1 order by version
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = stream });
        await using var reader = await command.ExecuteReaderAsync(ct);
        var events = new List<StoredEvent>();
        while (await reader.ReadAsync(ct)) events.Add(Read(reader));
        return events;
    }

    /// <summary>Merkle roots from the stored chain hashes.</summary>
    /// <param name="untilRelease">Leave out the run stream's events from ReleaseSealed on: what the seal covers.</param>
    public async Task<Roots> RootsAsync(string run, bool untilRelease, CancellationToken ct)
    {
        using var leaves = new RootBuilder(run, untilRelease);
        await foreach (var stored in ReadAsync(run, OfRoots, ct)) leaves.Add(stored);
        return leaves.Roots();
    }

    private static StoredEvent Read(NpgsqlDataReader reader) => new(
        reader.GetInt64(0),
        reader.GetGuid(1),
        reader.GetInt64(2),
        reader.GetString(3),
        Json(reader.GetString(4)),
        reader.IsDBNull(5) ? default : Json(reader.GetString(5)));

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}

/// <summary>Gathers the leaves of both Merkle trees from events in order of stream and version.</summary>
internal sealed class RootBuilder : IDisposable
{
    private readonly bool _untilRelease;
    private readonly Guid _runStream;
    private readonly MerkleAccumulator _record = new();
    private readonly MerkleSorter _content = new(FileStore.Unnamed);
    private Guid _stream;
    private Guid? _sample;
    private long _beside;
    private bool _sealed;

    public RootBuilder(string run, bool untilRelease) => (_runStream, _untilRelease) = (Identity.RunStream(run), untilRelease);

    public void Add(StoredEvent stored)
    {
        if (stored.Stream != _stream) (_stream, _sample, _beside) = (stored.Stream, null, 0);
        if (EventTypes.IsBeside(stored.Type))
        {
            _beside++;
            return;
        }

        if (stored.Stream == _runStream && _untilRelease)
        {
            _sealed |= stored.Type == "release_sealed";
            if (_sealed) return;
        }

        _record.Add(new MerkleTree.Leaf(stored.Stream, stored.Version, stored.Header(EventHeaders.Record) ?? ""));
        if (stored.Type == "text_accepted") _sample = stored.Data.GetProperty("sample").GetGuid();
        if (_sample is { } sample) _content.Add(new MerkleTree.Leaf(sample, stored.Version - _beside, stored.Header(EventHeaders.Content) ?? ""));
    }

    public Roots Roots() => new(_content.Root(), _record.Root(), _record.Count);

    public void Dispose() => _content.Dispose();
}
