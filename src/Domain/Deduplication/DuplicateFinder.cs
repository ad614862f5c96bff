using System.Runtime.InteropServices;
using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Deduplication;

/// <summary>That a text repeats an earlier one.</summary>
/// <param name="Of">Place of the earlier text in the order of adding: the first equal one, or the earliest kept one that is nearly equal.</param>
/// <param name="Reason"><see cref="RejectionReason.Duplicate"/> or <see cref="RejectionReason.NearDuplicate"/>.</param>
/// <param name="Similarity">1 for equal texts, else the estimated Jaccard similarity.</param>
public sealed record Duplicate(int Of, string Reason, double Similarity);

/// <summary>
/// Phase 2 of deduplication: takes the sketches of one language in row order; the first of its kind stays, later ones point to it.
/// Near texts are looked up by the bands they share with kept ones (locality-sensitive hashing) and verified by their signatures. The result
/// depends on the order of the sketches alone. Not thread-safe; memory grows by about 500 bytes a kept text.
/// </summary>
public sealed class DuplicateFinder(double threshold)
{
    // In a corpus where thousands of different texts share a band (one page header over all of them), looking at each would take
    // quadratic time: only the latest ones are looked at.
    private const int LongestChain = 1024;

    private readonly Dictionary<ExactKey, int> _exact = [];
    private readonly Dictionary<ulong, int> _heads = [];
    private readonly List<TextSketch> _kept = [];
    private readonly List<int> _places = [];
    private readonly List<int[]> _next = [];
    private readonly List<int> _seen = [];
    private int _count;

    /// <summary>Texts added so far.</summary>
    public int Count => _count;

    /// <summary>Adds the next text: null when it is new, else what it repeats.</summary>
    public Duplicate? Add(TextSketch sketch)
    {
        ArgumentNullException.ThrowIfNull(sketch);
        var place = _count++;
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_exact, new ExactKey(sketch.ExactHash), out var known);
        if (known) return new Duplicate(first, RejectionReason.Duplicate, 1);
        first = place;
        if (Nearest(sketch) is { } near) return near;
        Keep(sketch, place);
        return null;
    }

    /// <summary>What each text repeats, in the given order; null where it is new.</summary>
    public static IReadOnlyList<Duplicate?> Find(IEnumerable<TextSketch> sketches, double threshold)
    {
        ArgumentNullException.ThrowIfNull(sketches);
        var finder = new DuplicateFinder(threshold);
        return [.. sketches.Select(finder.Add)];
    }

    private Duplicate? Nearest(TextSketch sketch)
    {
        var earliest = -1;
        var similarity = 0.0;
        for (var band = 0; band < sketch.Bands.Length; band++)
        {
            if (!_heads.TryGetValue(sketch.Bands[band], out var at)) continue;
            for (var steps = 0; at >= 0 && steps < LongestChain; at = _next[at][band], steps++)
            {
                if (_seen[at] == _count || (earliest >= 0 && at > earliest)) continue;
                _seen[at] = _count;
                if (sketch.Similarity(_kept[at]) is var s && s < threshold) continue;
                (earliest, similarity) = (at, s);
            }
        }

        return earliest < 0 ? null : new Duplicate(_places[earliest], RejectionReason.NearDuplicate, similarity);
    }

    private void Keep(TextSketch sketch, int place)
    {
        var next = new int[sketch.Bands.Length];
        for (var band = 0; band < next.Length; band++)
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(_heads, sketch.Bands[band], out var known);
            next[band] = known ? head : -1;
            head = _kept.Count;
        }

        _next.Add(next);
        _kept.Add(sketch);
        _places.Add(place);
        _seen.Add(0);
    }

    /// <summary>A SHA-256 by value, compared in full.</summary>
    private readonly struct ExactKey(byte[] hash) : IEquatable<ExactKey>
    {
        private readonly byte[] _hash = hash;

        public bool Equals(ExactKey other) => _hash.AsSpan().SequenceEqual(other._hash);

        public override bool Equals(object? obj) => obj is ExactKey other && Equals(other);

        public override int GetHashCode() => BitConverter.ToInt32(_hash);
    }
}
