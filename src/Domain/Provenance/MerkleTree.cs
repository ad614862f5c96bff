using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using XInstruct.Domain.Sorting;

namespace XInstruct.Domain.Provenance;

/// <summary>Merkle tree hash of RFC 9162, section 2.1.1, over (subject, version, hash) leaves in a given order.</summary>
public static class MerkleTree
{
    /// <summary>Bytes of a node: a SHA-256.</summary>
    internal const int NodeBytes = 32;

    /// <summary>One leaf.</summary>
    /// <param name="Subject">The stream's subject.</param>
    /// <param name="Version">A version.</param>
    /// <param name="Hash">That version's chain hash in hex.</param>
    public readonly record struct Leaf(Guid Subject, long Version, string Hash)
    {
        /// <summary>Writes the leaf's node.</summary>
        internal void WriteNode(Span<byte> node)
        {
            Span<byte> bytes = stackalloc byte[1 + 16 + 8 + 32];
            bytes.Clear();
            Subject.TryWriteBytes(bytes[1..], bigEndian: true, out _);
            BinaryPrimitives.WriteInt64BigEndian(bytes[17..], Version);
            Convert.FromHexString(Hash, bytes[25..], out _, out _);
            SHA256.HashData(bytes, node);
        }
    }

    /// <summary>Root in hex; the root of no leaves is SHA-256 of nothing.</summary>
    public static string Root(IEnumerable<Leaf> leaves)
    {
        var accumulator = new MerkleAccumulator();
        foreach (var leaf in leaves) accumulator.Add(leaf);
        return accumulator.Root();
    }
}

/// <summary>Builds a Merkle root from leaves one by one, in memory of the order of log n.</summary>
public sealed class MerkleAccumulator
{
    private readonly List<(byte[] Hash, long Size)> _peaks = [];

    /// <summary>Leaves added so far.</summary>
    public long Count { get; private set; }

    /// <summary>Adds the next leaf. The caller keeps the order: by subject, then version.</summary>
    public void Add(MerkleTree.Leaf leaf)
    {
        Span<byte> node = stackalloc byte[MerkleTree.NodeBytes];
        leaf.WriteNode(node);
        Add(node);
    }

    /// <summary>Adds the next leaf by its node.</summary>
    internal void Add(ReadOnlySpan<byte> node)
    {
        Count++;
        var (hash, size) = (node.ToArray(), 1L);
        while (_peaks.Count > 0 && _peaks[^1].Size == size)
        {
            hash = Node(_peaks[^1].Hash, hash);
            size *= 2;
            _peaks.RemoveAt(_peaks.Count - 1);
        }

        _peaks.Add((hash, size));
    }

    /// <summary>Root of what was added.</summary>
    public string Root()
    {
        if (_peaks.Count == 0) return Convert.ToHexStringLower(SHA256.HashData([]));
        var hash = _peaks[^1].Hash;
        for (var i = _peaks.Count - 2; i >= 0; i--) hash = Node(_peaks[i].Hash, hash);
        return Convert.ToHexStringLower(hash);
    }

    private static byte[] Node(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> bytes = stackalloc byte[65];
        bytes[0] = 1;
        left.CopyTo(bytes[1..]);
        right.CopyTo(bytes[33..]);
        return SHA256.HashData(bytes);
    }
}

/// <summary>Builds a Merkle root from leaves that come subject by subject, each one's by version, and puts the subjects in order. Not thread-safe.</summary>
/// <param name="spill">Opens a stream for leaves that memory should not hold (<see cref="ExternalSorter{T}"/>).</param>
public sealed class MerkleSorter(Func<Stream> spill) : IDisposable
{
    private readonly ExternalSorter<Entry> _entries = new(spill, (a, b) => a.Subject.CompareTo(b.Subject) is var by and not 0 ? by : a.Place.CompareTo(b.Place));

    /// <summary>Adds a leaf: of the same subject as the last, or the first of another.</summary>
    public void Add(MerkleTree.Leaf leaf)
    {
        Span<byte> subject = stackalloc byte[16];
        leaf.Subject.TryWriteBytes(subject, bigEndian: true, out _);
        var entry = new Entry { Subject = BinaryPrimitives.ReadUInt128BigEndian(subject), Place = _entries.Count };
        leaf.WriteNode(entry.Node);
        _entries.Add(entry);
    }

    /// <summary>Root of what was added, by subject, then version; nothing is added after it.</summary>
    public string Root()
    {
        var tree = new MerkleAccumulator();
        foreach (var entry in _entries.Sorted()) tree.Add(entry.Node);
        return tree.Root();
    }

    /// <inheritdoc/>
    public void Dispose() => _entries.Dispose();

    private struct Entry
    {
        public UInt128 Subject;
        public long Place;
        public Bytes Node;
    }

    [InlineArray(MerkleTree.NodeBytes)]
    private struct Bytes
    {
        private byte _first;
    }
}
