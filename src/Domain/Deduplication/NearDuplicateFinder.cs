using System.Runtime.InteropServices;

namespace XInstruct.Domain.Deduplication;

/// <summary>An earlier row that a text repeats.</summary>
/// <param name="Row">The earlier row.</param>
/// <param name="IsExact">The normalised texts are equal.</param>
public readonly record struct Duplicate(long Row, bool IsExact);

/// <summary>
/// Finds exact and near duplicates in row order: the first of its kind stays, later ones point to it. Candidates share a band of their
/// signatures with a text that stayed; they are duplicates when the estimated Jaccard similarity reaches the threshold. The result depends on the
/// order of adding alone. Not thread-safe; memory grows by about a kilobyte a text that stays.
/// </summary>
public sealed class NearDuplicateFinder
{
    // Looking at a pair in vain costs 128 comparisons; a pair missed stays in the data set.
    private const double VainWeight = 0.02;
    private const double MissedWeight = 0.98;

    // In a corpus where thousands of different texts share a band (one page header over all of them), looking at each would take
    // quadratic time: only the latest ones are looked at.
    private const int LongestChain = 1024;

    private readonly double _threshold;
    private readonly int _bands;
    private readonly int _rows;
    private readonly Dictionary<ExactKey, long> _exact = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly List<(long Row, TextSketch Sketch, int[] Next)> _kept = [];
    private readonly List<long> _lookedAtBy = [];
    private long _turn;

    /// <summary>A finder for texts at least <paramref name="threshold"/> similar.</summary>
    public NearDuplicateFinder(double threshold)
    {
        _threshold = threshold;
        (_bands, _rows) = LshParameters.Optimal(threshold, MinHash.Default.Permutations, VainWeight, MissedWeight);
    }

    /// <summary>Adds the next text; says of which earlier one it is a duplicate. Of several near ones, the earliest.</summary>
    public Duplicate? Add(long row, TextSketch sketch)
    {
        ArgumentNullException.ThrowIfNull(sketch);
        _turn++;
        // Copies of a near duplicate are copies of it, whatever it is itself.
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_exact, new ExactKey(sketch.ExactHash), out var known);
        if (known) return new Duplicate(first, true);
        first = row;
        Span<ulong> keys = stackalloc ulong[_bands];
        for (var band = 0; band < keys.Length; band++) keys[band] = Key(band, sketch.Signature.AsSpan(band * _rows, _rows));
        if (Nearest(sketch, keys) is { } near) return new Duplicate(near, false);
        Keep(row, sketch, keys);
        return null;
    }

    private long? Nearest(TextSketch sketch, ReadOnlySpan<ulong> keys)
    {
        var earliest = int.MaxValue;
        for (var band = 0; band < keys.Length; band++)
        {
            if (!_heads.TryGetValue(keys[band], out var candidate)) continue;
            for (var steps = 0; candidate >= 0 && steps < LongestChain; candidate = _kept[candidate].Next[band], steps++)
            {
                if (candidate > earliest || _lookedAtBy[candidate] == _turn) continue;
                _lookedAtBy[candidate] = _turn;
                if (sketch.Similarity(_kept[candidate].Sketch) >= _threshold) earliest = candidate;
            }
        }

        return earliest == int.MaxValue ? null : _kept[earliest].Row;
    }

    // Each band of a kept text leads to the kept text before it with the same band.
    private void Keep(long row, TextSketch sketch, ReadOnlySpan<ulong> keys)
    {
        var next = new int[keys.Length];
        for (var band = 0; band < next.Length; band++)
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, keys[band], out var known);
            next[band] = known ? head : -1;
            head = _kept.Count;
        }

        _kept.Add((row, sketch, next));
        _lookedAtBy.Add(0);
    }

    private static ulong Key(int band, ReadOnlySpan<uint> values)
    {
        var key = (ulong)band + 1;
        foreach (var value in values) key = ulong.RotateLeft((key ^ value) * 0x9FB21C651E98DF25, 29);
        return key;
    }

    /// <summary>A SHA-256 by value.</summary>
    private readonly struct ExactKey(byte[] hash) : IEquatable<ExactKey>
    {
        private readonly byte[] _hash = hash;

        public bool Equals(ExactKey other) => _hash.AsSpan().SequenceEqual(other._hash);

        public override bool Equals(object? obj) => obj is ExactKey other && Equals(other);

        public override int GetHashCode() => BitConverter.ToInt32(_hash);
    }
}
