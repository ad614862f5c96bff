namespace XInstruct.Domain.Deduplication;

/// <summary>Shingles: all substrings of five code points. A shorter text is its only shingle, the empty text has none.</summary>
internal static class Shingles
{
    private const int Width = 5;

    public static HashSet<string> Of(string text)
    {
        var starts = new List<int>(text.Length + 1);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            starts.Add(at);
            at += rune.Utf16SequenceLength;
        }

        starts.Add(text.Length);
        var shingles = new HashSet<string>(StringComparer.Ordinal);
        if (text.Length > 0 && starts.Count <= Width) shingles.Add(text);
        for (var i = 0; i + Width < starts.Count; i++) shingles.Add(text[starts[i]..starts[i + Width]]);
        return shingles;
    }

    /// <summary>A 32-bit hash of each shingle in turn; repeats are left in, since a minimum does not see them.</summary>
    public static uint[] Hash(string text)
    {
        Span<int> points = text.Length <= 2048 ? stackalloc int[text.Length] : new int[text.Length];
        var count = 0;
        foreach (var rune in text.EnumerateRunes()) points[count++] = rune.Value;
        if (count == 0) return [];
        if (count < Width) return [Mix(points[..count])];
        var hashes = new uint[count - Width + 1];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = Mix(points.Slice(i, Width));
        return hashes;
    }

    // Multiply and fold per code point; the finaliser is SplitMix64's.
    private static uint Mix(ReadOnlySpan<int> points)
    {
        var hash = (ulong)points.Length;
        foreach (var point in points) hash = ulong.RotateLeft((hash ^ (uint)point) * 0x9FB21C651E98DF25, 23);
        hash = (hash ^ (hash >> 31)) * 0x94D049BB133111EB;
        return (uint)(hash >> 32);
    }
}
