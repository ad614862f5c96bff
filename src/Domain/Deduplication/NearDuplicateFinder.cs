using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using XInstruct.Domain.Sorting;

namespace XInstruct.Domain.Deduplication;

/// <summary>An earlier row that a text repeats.</summary>
/// <param name="Row">The earlier row.</param>
/// <param name="IsExact">The normalised texts are equal.</param>
public readonly record struct Duplicate(long Row, bool IsExact);

/// <summary>
/// Finds exact and near duplicates in row order: the first of its kind stays, later ones point to it. Candidates share a band of their
/// signatures with a text that stayed; they are duplicates when the estimated Jaccard similarity reaches the threshold. The result depends on the
/// order of adding alone. Not thread-safe. Memory grows with the texts that stay, by some 150 bytes each and 50 a band, while their signatures wait in a
/// stream; when all texts were foreseen (<see cref="ForeseeAsync"/>) only those are held, and those bands, that another text shares.
/// </summary>
public sealed class NearDuplicateFinder : IDisposable
{
    // Looking at a pair in vain costs 128 comparisons; a pair missed stays in the data set.
    private const double VainWeight = 0.02;
    private const double MissedWeight = 0.98;

    // In a corpus where thousands of different texts share a band (one page header over all of them), looking at each would take
    // quadratic time: only the latest ones are looked at.
    private const int LongestChain = 1024;

    // A band that no other text has.
    private const ulong Alone = 0;

    private readonly double _threshold;
    private readonly int _bands;
    private readonly int _rows;
    private readonly Func<Stream> _spill;
    private readonly HashSet<ulong>? _repeated;
    private readonly long _foreseen;
    private readonly Dictionary<ExactKey, long> _exact = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly List<(int Text, int Before)> _links = [];
    private readonly List<Kept> _kept = [];
    private Stream? _signatures;
    private long _turn;

    /// <summary>A finder for texts at least <paramref name="threshold"/> similar.</summary>
    /// <param name="threshold">Estimated Jaccard similarity, 0 to 1.</param>
    /// <param name="spill">Opens the stream for the signatures, 512 bytes each: empty, to be written, read and sought in. It is disposed with the finder.</param>
    public NearDuplicateFinder(double threshold, Func<Stream> spill) =>
        (_threshold, (_bands, _rows), _spill) = (threshold, LshParameters.Optimal(threshold, MinHash.Default.Permutations, VainWeight, MissedWeight), spill);

    private NearDuplicateFinder(NearDuplicateFinder plain, HashSet<ulong> repeated, long foreseen)
        : this(plain._threshold, plain._spill) => (_repeated, _foreseen) = (repeated, foreseen);

    /// <summary>A finder that has seen all texts that will be added. What it finds is the same; what it would find nowhere else it need not hold.</summary>
    /// <param name="threshold">Estimated Jaccard similarity, 0 to 1.</param>
    /// <param name="texts">The texts, in any order.</param>
    /// <param name="spill">Opens a stream for the signatures, and another for 8 bytes a text and band (<see cref="ExternalSorter{T}"/>).</param>
    public static async Task<NearDuplicateFinder> ForeseeAsync(double threshold, IAsyncEnumerable<TextSketch> texts, Func<Stream> spill)
    {
        using var plain = new NearDuplicateFinder(threshold, spill);
        using var keys = new ExternalSorter<ulong>(spill);
        var foreseen = 0L;
        await foreach (var sketch in texts)
        {
            foreseen++;
            keys.Add(ExactKey.Prefix(sketch.ExactHash));
            for (var band = 0; band < plain._bands; band++) keys.Add(plain.Key(band, sketch));
        }

        var repeated = new HashSet<ulong>();
        ulong? last = null;
        foreach (var key in keys.Sorted())
        {
            if (key == last) repeated.Add(key);
            last = key;
        }

        return new NearDuplicateFinder(plain, repeated, foreseen);
    }

    /// <summary>Adds the next text; says of which earlier one it is a duplicate. Of several near ones, the earliest.</summary>
    /// <exception cref="InvalidOperationException">Fewer were foreseen.</exception>
    public Duplicate? Add(long row, TextSketch sketch)
    {
        ArgumentNullException.ThrowIfNull(sketch);
        _turn++;
        if (_repeated is not null && _turn > _foreseen) throw new InvalidOperationException($"Row {row} was not foreseen: {_foreseen} texts were.");
        if (Earlier(row, sketch) is { } first) return new Duplicate(first, true);
        Span<ulong> keys = stackalloc ulong[_bands];
        for (var band = 0; band < keys.Length; band++)
        {
            var key = Key(band, sketch);
            keys[band] = _repeated?.Contains(key) == false ? Alone : key;
        }

        if (Nearest(sketch, keys) is { } near) return new Duplicate(near, false);
        if (keys.ContainsAnyExcept(Alone)) Keep(row, sketch, keys);
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _signatures?.Dispose();

    // Copies of a near duplicate are copies of it, whatever it is itself.
    private long? Earlier(long row, TextSketch sketch)
    {
        if (_repeated?.Contains(ExactKey.Prefix(sketch.ExactHash)) == false) return null;
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_exact, new ExactKey(sketch.ExactHash), out var known);
        if (known) return first;
        first = row;
        return null;
    }

    private long? Nearest(TextSketch sketch, ReadOnlySpan<ulong> keys)
    {
        var earliest = int.MaxValue;
        var kept = CollectionsMarshal.AsSpan(_kept);
        var code = new Code(sketch.Signature);
        foreach (var key in keys)
        {
            if (key == Alone || !_heads.TryGetValue(key, out var link)) continue;
            for (var steps = 0; link >= 0 && steps < LongestChain; link = _links[link].Before, steps++)
            {
                var candidate = _links[link].Text;
                if (candidate > earliest || kept[candidate].LookedAtBy == _turn) continue;
                kept[candidate].LookedAtBy = _turn;
                if (code.Similarity(kept[candidate].Code) >= _threshold && TextSketch.Similarity(sketch.Signature, Signature(candidate)) >= _threshold) earliest = candidate;
            }
        }

        return earliest == int.MaxValue ? null : _kept[earliest].Row;
    }

    // Each band of a kept text leads to the kept text before it with the same band.
    private void Keep(long row, TextSketch sketch, ReadOnlySpan<ulong> keys)
    {
        foreach (var key in keys)
        {
            if (key == Alone) continue;
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, key, out var known);
            _links.Add((_kept.Count, known ? head : -1));
            head = _links.Count - 1;
        }

        _signatures ??= _spill();
        _signatures.Position = (long)_kept.Count * sketch.Signature.Length * sizeof(uint);
        _signatures.Write(MemoryMarshal.AsBytes(sketch.Signature.AsSpan()));
        _kept.Add(new Kept { Row = row, Code = new Code(sketch.Signature) });
    }

    private uint[] Signature(int text)
    {
        var signature = new uint[MinHash.Default.Permutations];
        _signatures!.Position = (long)text * signature.Length * sizeof(uint);
        _signatures.ReadExactly(MemoryMarshal.AsBytes(signature.AsSpan()));
        return signature;
    }

    private ulong Key(int band, TextSketch sketch)
    {
        var key = (ulong)band + 1;
        foreach (var value in sketch.Signature.AsSpan(band * _rows, _rows)) key = ulong.RotateLeft((key ^ value) * 0x9FB21C651E98DF25, 29);
        return key;
    }

    /// <summary>The lowest byte of each value of a signature (Li and König, "b-bit minwise hashing", 2010): no less similar to another than the signatures are.</summary>
    [InlineArray(Length)]
    private struct Code
    {
        private const int Length = 128;
        private byte _first;

        public Code(ReadOnlySpan<uint> signature)
        {
            for (var i = 0; i < Length; i++) this[i] = (byte)signature[i];
        }

        public readonly double Similarity(ReadOnlySpan<byte> other)
        {
            var equal = 0;
            for (var i = 0; i < Length; i += Vector256<byte>.Count)
            {
                equal += BitOperations.PopCount(Vector256.Equals(Vector256.Create(this[i..]), Vector256.Create(other[i..])).ExtractMostSignificantBits());
            }

            return (double)equal / Length;
        }
    }

    private struct Kept
    {
        public long Row;
        public long LookedAtBy;
        public Code Code;
    }

    /// <summary>A SHA-256 by value.</summary>
    private readonly struct ExactKey(byte[] hash) : IEquatable<ExactKey>
    {
        private readonly byte[] _hash = hash;

        public static ulong Prefix(byte[] hash) => BitConverter.ToUInt64(hash);

        public bool Equals(ExactKey other) => _hash.AsSpan().SequenceEqual(other._hash);

        public override bool Equals(object? obj) => obj is ExactKey other && Equals(other);

        public override int GetHashCode() => BitConverter.ToInt32(_hash);
    }
}
