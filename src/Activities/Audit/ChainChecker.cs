using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Audit;

/// <summary>Recomputes the two chains from events in order of stream and version.</summary>
internal sealed class ChainChecker(List<Finding> findings)
{
    private Guid _stream;
    private Guid _subject;
    private long _version;
    private (string Content, string Record) _head = (HashChain.Start, HashChain.Start);

    public long Events { get; private set; }

    /// <summary>Last version found of each stream.</summary>
    public Dictionary<Guid, long> Versions { get; } = [];

    /// <summary>Checks one event; false when it is damaged beyond use for the roots.</summary>
    public bool Check(StoredEvent stored)
    {
        Events++;
        if (stored.Stream != _stream)
        {
            (_stream, _version, _head) = (stored.Stream, 0, (HashChain.Start, HashChain.Start));
            _subject = Subject(stored);
        }

        var place = Place(stored);
        if (stored.Version != _version + 1) findings.Add(new Finding(place, $"Version {_version + 1} is missing before it."));
        _version = stored.Version;
        Versions[_stream] = _version;
        var (content, record) = (stored.Header(EventHeaders.Content), stored.Header(EventHeaders.Record));
        if (content is null || record is null || !IsHash(content) || !IsHash(record))
        {
            findings.Add(new Finding(place, "The headers lack a readable content or record hash."));
            return false;
        }

        var data = CanonicalJson.Of(stored.Data);
        var expectedContent = EventTypes.IsBeside(stored.Type) ? _head.Content : HashChain.Content(_head.Content, _subject, stored.Type, data);
        if (expectedContent != content) findings.Add(new Finding(place, $"The content hash should be {expectedContent}, is {content}: data, type or an earlier event changed."));
        var headers = CanonicalJson.Of(stored.Headers, without: EventHeaders.Record);
        var expectedRecord = HashChain.Record(_head.Record, stored.Stream, stored.Version, stored.Type, data, headers);
        if (expectedRecord != record) findings.Add(new Finding(place, $"The record hash should be {expectedRecord}, is {record}: data, headers, type or an earlier event changed."));
        // Going on from what is stored names each changed event once, not everything after it.
        _head = (content, record);
        return true;
    }

    /// <summary>Names an event in a finding.</summary>
    public static string Place(StoredEvent stored) => $"mt_events stream {stored.Stream} version {stored.Version} ({stored.Type})";

    private static Guid Subject(StoredEvent first) => first.Type switch
    {
        "text_accepted" when first.Data.TryGetProperty("sample", out var id) && id.TryGetGuid(out var sample) => sample,
        "rows_rejected" when first.Data.TryGetProperty("source", out var id) && id.TryGetGuid(out var source) => source,
        _ => first.Stream,
    };

    /// <summary>Whether a text is a SHA-256 in lower-case hex.</summary>
    public static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower);
}
