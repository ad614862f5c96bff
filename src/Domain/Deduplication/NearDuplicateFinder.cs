using System.Security.Cryptography;
using System.Text;
using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Deduplication;

/// <summary>All that deduplication needs of a text.</summary>
/// <param name="ExactHash">SHA-256 of the normalised text: also the name in the sample's id.</param>
/// <param name="Signature">MinHash signature of the lower-case normalised text's shingles.</param>
public sealed record TextSketch(byte[] ExactHash, uint[] Signature)
{
    /// <summary>Sketch of a text as it stands in the source.</summary>
    public static TextSketch Of(string text)
    {
        var normal = TextNormalizer.Normalize(text);
        return new TextSketch(SHA256.HashData(Encoding.UTF8.GetBytes(normal)), MinHash.Default.Signature(MinHash.ShingleHashes(normal.ToLowerInvariant())));
    }
}

/// <summary>An earlier row that a text repeats.</summary>
/// <param name="Row">The earlier row.</param>
/// <param name="IsExact">The normalised texts are equal.</param>
public readonly record struct Duplicate(long Row, bool IsExact);

/// <summary>
/// Finds exact and near duplicates in row order: the first of its kind stays, later ones point to it. Candidates share a band of their
/// signatures; they are duplicates when the estimated Jaccard similarity reaches the threshold.
/// </summary>
public sealed class NearDuplicateFinder
{
    private readonly double _threshold;
    private readonly int _rows;
    private readonly Dictionary<ulong, List<int>>[] _bands;
    private readonly Dictionary<string, long> _exact = new(StringComparer.Ordinal);
    private readonly List<(long Row, uint[] Signature)> _kept = [];

    /// <summary>A finder for texts at least <paramref name="threshold"/> similar.</summary>
    public NearDuplicateFinder(double threshold)
    {
        _threshold = threshold;
        (var bands, _rows) = LshParameters.Optimal(threshold, MinHash.Default.Signature([]).Length);
        _bands = [.. Enumerable.Range(0, bands).Select(_ => new Dictionary<ulong, List<int>>())];
    }

    /// <summary>Adds the next text; says of which earlier one it is a duplicate.</summary>
    public Duplicate? Add(long row, TextSketch sketch)
    {
        var exact = Convert.ToHexString(sketch.ExactHash);
        if (_exact.TryGetValue(exact, out var first)) return new Duplicate(first, true);
        var keys = Enumerable.Range(0, _bands.Length).Select(b => BandKey(sketch.Signature, b)).ToArray();
        if (Nearest(sketch.Signature, keys) is { } near)
        {
            // Copies of a near duplicate are copies of it, whatever it is itself.
            _exact[exact] = row;
            return new Duplicate(near, false);
        }

        _exact[exact] = row;
        for (var b = 0; b < keys.Length; b++)
        {
            if (!_bands[b].TryGetValue(keys[b], out var bucket)) _bands[b][keys[b]] = bucket = [];
            bucket.Add(_kept.Count);
        }

        _kept.Add((row, sketch.Signature));
        return null;
    }

    private long? Nearest(uint[] signature, ulong[] keys)
    {
        var earliest = int.MaxValue;
        for (var b = 0; b < keys.Length; b++)
        {
            if (!_bands[b].TryGetValue(keys[b], out var bucket)) continue;
            foreach (var candidate in bucket)
            {
                if (candidate < earliest && Similarity(signature, _kept[candidate].Signature) >= _threshold) earliest = candidate;
            }
        }

        return earliest == int.MaxValue ? null : _kept[earliest].Row;
    }

    private ulong BandKey(uint[] signature, int band)
    {
        var key = 14695981039346656037UL;
        for (var r = 0; r < _rows; r++) key = unchecked((key ^ signature[(band * _rows) + r]) * 1099511628211UL);
        return key;
    }

    private static double Similarity(uint[] a, uint[] b)
    {
        var equal = 0;
        for (var i = 0; i < a.Length; i++) equal += a[i] == b[i] ? 1 : 0;
        return (double)equal / a.Length;
    }
}
