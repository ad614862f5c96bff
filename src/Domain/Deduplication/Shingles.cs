using System.Text;

namespace XInstruct.Domain.Deduplication;

/// <summary>Shingles: all substrings of five code points. A shorter text is its only shingle, the empty text has none.</summary>
public static class Shingles
{
    /// <summary>Code points of a shingle.</summary>
    public const int Length = 5;

    /// <summary>
    /// 32-bit hashes of the shingles of a text, repeats included: their minimum does not care. The hash mixes five code points by
    /// multiplication (SplitMix64's finaliser at the end); its values are permanent within a release only.
    /// </summary>
    internal static int Hash(string text, Span<uint> hashes)
    {
        if (text.Length == 0) return 0;
        Span<int> points = text.Length <= 2048 ? stackalloc int[text.Length] : new int[text.Length];
        var count = 0;
        foreach (var rune in text.EnumerateRunes()) points[count++] = rune.Value;
        if (count < Length)
        {
            hashes[0] = Mix(points[..count]);
            return 1;
        }

        for (var i = 0; i + Length <= count; i++) hashes[i] = Mix(points.Slice(i, Length));
        return count - Length + 1;
    }

    /// <summary>The shingles themselves as a set, for an exact comparison.</summary>
    public static IReadOnlySet<string> Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var starts = new List<int>(text.Length + 1);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            starts.Add(at);
            at += rune.Utf16SequenceLength;
        }

        starts.Add(at);
        var shingles = new HashSet<string>(StringComparer.Ordinal);
        if (text.Length > 0 && starts.Count <= Length) shingles.Add(text);
        for (var i = 0; i + Length < starts.Count; i++) shingles.Add(text[starts[i]..starts[i + Length]]);
        return shingles;
    }

    /// <summary>Jaccard similarity of two sets: shared over all; 1 for two empty ones.</summary>
    public static double Jaccard(IReadOnlySet<string> a, IReadOnlySet<string> b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var shared = a.Count(b.Contains);
        var all = a.Count + b.Count - shared;
        return all == 0 ? 1 : (double)shared / all;
    }

    /// <summary>The text as near-duplicates compare it: lower case, so that a changed capital is no change.</summary>
    internal static string Fold(string normalised) => normalised.ToLowerInvariant();

    private static uint Mix(ReadOnlySpan<int> points)
    {
        ulong hash = (ulong)points.Length;
        foreach (var point in points) hash = (hash ^ (uint)point) * 0x9FB21C651E98DF25;
        hash ^= hash >> 32;
        hash *= 0x94D049BB133111EB;
        return (uint)(hash >> 32);
    }
}
