using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Domain.Deduplication;

/// <summary>
/// Phase 1 of deduplication, a pure function of one text: SHA-256 for equal texts, MinHash over 5-character shingles of the folded text
/// for near ones. Safe to use from many threads.
/// </summary>
public sealed class TextSketcher
{
    private const int Permutations = 128;

    // A pair met in vain costs a comparison of 128 bytes; a pair missed stays in the data set.
    private const double VainWeight = 0.05;
    private const double MissWeight = 0.95;

    private readonly MinHash _minHash = MinHash.Create(Permutations);

    /// <summary>A sketcher for near-duplicates from a similarity of <paramref name="threshold"/> on.</summary>
    public TextSketcher(double threshold = 0.8)
    {
        Threshold = threshold;
        Shape = LshShape.Optimal(threshold, Permutations, VainWeight, MissWeight);
    }

    /// <summary>Jaccard similarity from which two texts are near-duplicates.</summary>
    public double Threshold { get; }

    /// <summary>Bands and rows of its sketches.</summary>
    public LshShape Shape { get; }

    /// <summary>Lanes of its sketches.</summary>
    public static int Lanes => Permutations;

    /// <summary>Bytes of each of its sketches when written.</summary>
    public int SketchSize => 32 + (8 * Shape.Bands) + Permutations;

    /// <summary>The sketch of a text that <see cref="Texts.TextNormalizer"/> returned.</summary>
    public TextSketch Sketch(string normalised)
    {
        ArgumentNullException.ThrowIfNull(normalised);
        var exact = SHA256.HashData(Encoding.UTF8.GetBytes(normalised));
        var folded = Shingles.Fold(normalised);
        Span<uint> hashes = folded.Length <= 4096 ? stackalloc uint[folded.Length] : new uint[folded.Length];
        var count = Shingles.Hash(folded, hashes);
        Span<uint> signature = stackalloc uint[Permutations];
        _minHash.Sign(hashes[..count], signature);
        return new TextSketch(exact, Bands(signature), LowBytes(signature));
    }

    private ulong[] Bands(ReadOnlySpan<uint> signature)
    {
        var bands = new ulong[Shape.Bands];
        for (var band = 0; band < bands.Length; band++)
        {
            var hash = (ulong)band;
            foreach (var value in signature.Slice(band * Shape.Rows, Shape.Rows)) hash = ulong.RotateLeft((hash ^ value) * 0x9FB21C651E98DF25, 29);
            bands[band] = hash;
        }

        return bands;
    }

    private static byte[] LowBytes(ReadOnlySpan<uint> signature)
    {
        var lanes = new byte[signature.Length];
        for (var i = 0; i < lanes.Length; i++) lanes[i] = (byte)signature[i];
        return lanes;
    }
}
