using System.Buffers.Binary;
using System.Security.Cryptography;

namespace XInstruct.Domain.Provenance;

/// <summary>Merkle tree hash of RFC 9162, section 2.1.1, over (subject, version, hash) leaves in a given order.</summary>
public static class MerkleTree
{
    /// <summary>One leaf: a stream's subject, a version and that version's chain hash. Holds the hash as its 32 bytes: of a large run millions wait to be put in order.</summary>
    public readonly record struct Leaf
    {
        private readonly UInt128 _first, _last;

        /// <summary>A leaf.</summary>
        /// <param name="subject">The stream's subject.</param>
        /// <param name="version">A version.</param>
        /// <param name="hash">That version's chain hash in hex.</param>
        public Leaf(Guid subject, long version, string hash)
        {
            (Subject, Version) = (subject, version);
            Span<byte> bytes = stackalloc byte[32];
            bytes.Clear();
            Convert.FromHexString(hash, bytes, out _, out _);
            (_first, _last) = (BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));
        }

        /// <summary>The stream's subject.</summary>
        public Guid Subject { get; }

        /// <summary>A version.</summary>
        public long Version { get; }

        /// <summary>That version's chain hash in hex.</summary>
        public string Hash => $"{_first:x32}{_last:x32}";

        /// <summary>Writes subject, version and hash, 56 bytes.</summary>
        internal void Write(Span<byte> bytes)
        {
            Subject.TryWriteBytes(bytes, bigEndian: true, out _);
            BinaryPrimitives.WriteInt64BigEndian(bytes[16..], Version);
            BinaryPrimitives.WriteUInt128BigEndian(bytes[24..], _first);
            BinaryPrimitives.WriteUInt128BigEndian(bytes[40..], _last);
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
        Span<byte> bytes = stackalloc byte[1 + 16 + 8 + 32];
        bytes[0] = 0;
        leaf.Write(bytes[1..]);
        Count++;
        var (hash, size) = (SHA256.HashData(bytes), 1L);
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
