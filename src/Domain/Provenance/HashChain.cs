using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Domain.Provenance;

/// <summary>
/// The two hash chains of a stream (docs/formats.md). Each hash is SHA-256 over length-prefixed fields: 4 bytes big-endian length, then the bytes.
/// </summary>
public static class HashChain
{
    /// <summary>What stands for the previous hash at version 1: nothing.</summary>
    public const string Start = "";

    /// <summary>
    /// Content hash: (tag, previous content hash, subject id, event type, canonical data). Only what inputs and seeds determine.
    /// </summary>
    /// <param name="previous">Previous content hash in hex, or <see cref="Start"/>.</param>
    /// <param name="subject">Sample id (for other streams: source id, run stream id).</param>
    /// <param name="type">Stored event type name.</param>
    /// <param name="canonicalData">Canonical JSON of the event's data.</param>
    public static string Content(string previous, Guid subject, string type, ReadOnlySpan<byte> canonicalData)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Field(hash, "xinstruct.content.1");
        Field(hash, Convert.FromHexString(previous));
        Field(hash, subject);
        Field(hash, type);
        Field(hash, canonicalData);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Record hash: (tag, previous record hash, stream, version, type, canonical data, canonical headers without <c>record</c>):
    /// also model, act, attempt, worker, money and time.
    /// </summary>
    public static string Record(string previous, Guid stream, long version, string type, ReadOnlySpan<byte> canonicalData, ReadOnlySpan<byte> canonicalHeaders)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Field(hash, "xinstruct.record.1");
        Field(hash, Convert.FromHexString(previous));
        Field(hash, stream);
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(number, version);
        Field(hash, number);
        Field(hash, type);
        Field(hash, canonicalData);
        Field(hash, canonicalHeaders);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Field(IncrementalHash hash, string text) => Field(hash, Encoding.UTF8.GetBytes(text));

    private static void Field(IncrementalHash hash, Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        Field(hash, bytes);
    }

    private static void Field(IncrementalHash hash, ReadOnlySpan<byte> bytes)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
