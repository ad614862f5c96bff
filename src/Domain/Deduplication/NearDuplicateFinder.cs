using System.Runtime.InteropServices;

namespace XInstruct.Domain.Deduplication;

/// <summary>An earlier row that a text repeats.</summary>
/// <param name="Row">The earlier row.</param>
/// <param name="IsExact">The normalised texts are equal.</param>
public readonly record struct Duplicate(long Row, bool IsExact);

/// <summary>
/// Finds exact and near duplicates in row order: the first of its kind stays, later ones point to it. Candidates share a band of their
/// signatures with a text that stayed; they are duplicates when the estimated Jaccard similarity reaches the threshold. The result depends on the
/// order of adding alone. Not thread-safe. Memory grows by one or two kilobytes a text that stays; when all texts were foreseen
/// (<see cref="Foresee"/>) only those are held that share something with another, and each text takes three bytes a band besides.
/// </summary>
public sealed class NearDuplicateFinder
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
    private readonly RepeatedKeys? _repeats;
    private readonly Dictionary<ExactKey, long> _exact = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly List<(long Row, TextSketch Sketch, int[] Next)> _kept = [];
    private readonly List<long> _lookedAtBy = [];
    private long _turn;

    /// <summary>A finder for texts at least <paramref name="threshold"/> similar.</summary>
    /// <param name="threshold">Estimated Jaccard similarity, 0 to 1.</param>
    /// <param name="foreseen">At most so many texts will be foreseen, and all of them before the first is added; 0: none will, every text is held.</param>
    public NearDuplicateFinder(double threshold, long foreseen = 0)
    {
        _threshold = threshold;
        (_bands, _rows) = LshParameters.Optimal(threshold, MinHash.Default.Permutations, VainWeight, MissedWeight);
        if (foreseen > 0) _repeats = new RepeatedKeys(foreseen * (_bands + 1));
    }

    /// <summary>Tells of a text that will be added. What is found is the same as without; what is found nowhere else need not be held.</summary>
    /// <exception cref="InvalidOperationException">The finder was made without a number of texts to foresee.</exception>
    public void Foresee(TextSketch sketch)
    {
        ArgumentNullException.ThrowIfNull(sketch);
        if (_repeats is null) throw new InvalidOperationException("This finder foresees nothing: it was made without a number of texts to come.");
        _repeats.Add(ExactKey.Prefix(sketch.ExactHash));
        for (var band = 0; band < _bands; band++) _repeats.Add(Key(band, sketch));
    }

    /// <summary>Adds the next text; says of which earlier one it is a duplicate. Of several near ones, the earliest.</summary>
    /// <exception cref="InvalidOperationException">Others were foreseen, this text was not.</exception>
    public Duplicate? Add(long row, TextSketch sketch)
    {
        ArgumentNullException.ThrowIfNull(sketch);
        _turn++;
        if (_repeats?.Seen(ExactKey.Prefix(sketch.ExactHash)) == false) throw new InvalidOperationException($"Row {row} was not foreseen.");
        if (Earlier(row, sketch) is { } first) return new Duplicate(first, true);
        Span<ulong> keys = stackalloc ulong[_bands];
        for (var band = 0; band < keys.Length; band++)
        {
            var key = Key(band, sketch);
            keys[band] = _repeats?.Repeats(key) == false ? Alone : key;
        }

        if (Nearest(sketch, keys) is { } near) return new Duplicate(near, false);
        if (keys.ContainsAnyExcept(Alone)) Keep(row, sketch, keys);
        return null;
    }

    // Copies of a near duplicate are copies of it, whatever it is itself.
    private long? Earlier(long row, TextSketch sketch)
    {
        if (_repeats?.Repeats(ExactKey.Prefix(sketch.ExactHash)) == false) return null;
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_exact, new ExactKey(sketch.ExactHash), out var known);
        if (known) return first;
        first = row;
        return null;
    }

    private long? Nearest(TextSketch sketch, ReadOnlySpan<ulong> keys)
    {
        var earliest = int.MaxValue;
        for (var band = 0; band < keys.Length; band++)
        {
            if (keys[band] == Alone || !_heads.TryGetValue(keys[band], out var candidate)) continue;
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
            if (keys[band] == Alone) continue;
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, keys[band], out var known);
            next[band] = known ? head : -1;
            head = _kept.Count;
        }

        _kept.Add((row, sketch, next));
        _lookedAtBy.Add(0);
    }

    private ulong Key(int band, TextSketch sketch)
    {
        var key = (ulong)band + 1;
        foreach (var value in sketch.Signature.AsSpan(band * _rows, _rows)) key = ulong.RotateLeft((key ^ value) * 0x9FB21C651E98DF25, 29);
        return key;
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
