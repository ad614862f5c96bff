using System.Text;

namespace XInstruct.Domain.Deduplication;

/// <summary>
/// MinHash signatures (Broder 1997) with the permutations of datasketch: ((a·h + b) mod 2⁶⁴) mod (2⁶¹ − 1), low 32 bits, minimum over the shingles.
/// </summary>
public sealed class MinHash
{
    private const ulong MersennePrime = (1UL << 61) - 1;
    private readonly ulong[] _a;
    private readonly ulong[] _b;

    /// <summary>Signatures with given coefficients.</summary>
    public MinHash(ulong[] a, ulong[] b) => (_a, _b) = (a, b);

    /// <summary>128 permutations whose coefficients come from SplitMix64; permanent.</summary>
    public static MinHash Default { get; } = Draw(128);

    /// <summary>Signature of a set of 32-bit shingle hashes; of the empty set all ones.</summary>
    public uint[] Signature(ReadOnlySpan<uint> hashes)
    {
        var signature = new uint[_a.Length];
        for (var p = 0; p < signature.Length; p++)
        {
            var (a, b, least) = (_a[p], _b[p], uint.MaxValue);
            foreach (var hash in hashes)
            {
                var x = unchecked((a * hash) + b);
                // x mod (2^61 - 1) by folding: 2^61 is 1.
                x = (x & MersennePrime) + (x >> 61);
                if (x >= MersennePrime) x -= MersennePrime;
                var value = (uint)x;
                if (value < least) least = value;
            }

            signature[p] = least;
        }

        return signature;
    }

    /// <summary>Shingles of five code points; a shorter text is its own only shingle, the empty text has none.</summary>
    public static HashSet<string> Shingles(string text)
    {
        var shingles = new HashSet<string>(StringComparer.Ordinal);
        var starts = new List<int>(text.Length + 1);
        for (var i = 0; i < text.Length; i += char.IsSurrogatePair(text, i) ? 2 : 1)
        {
            starts.Add(i);
            if (i + 1 >= text.Length) break;
        }

        if (starts.Count == 0) return shingles;
        starts.Add(text.Length);
        if (starts.Count <= 5) shingles.Add(text);
        for (var i = 0; i + 5 < starts.Count; i++) shingles.Add(text[starts[i]..starts[i + 5]]);
        return shingles;
    }

    /// <summary>Distinct 32-bit hashes of the five-code-point shingles, without building the shingles.</summary>
    public static uint[] ShingleHashes(string text)
    {
        var runes = text.EnumerateRunes().Select(r => (uint)r.Value).ToArray();
        if (runes.Length == 0) return [];
        var width = Math.Min(5, runes.Length);
        var hashes = new uint[runes.Length - width + 1];
        for (var i = 0; i < hashes.Length; i++)
        {
            var h = 2166136261u;
            for (var j = 0; j < width; j++) h = unchecked((h ^ runes[i + j]) * 16777619u) ^ (h >> 15);
            hashes[i] = Mix(h);
        }

        return hashes;
    }

    private static uint Mix(uint h)
    {
        unchecked
        {
            h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
            h = (h ^ (h >> 13)) * 0xC2B2AE35u;
            return h ^ (h >> 16);
        }
    }

    private static MinHash Draw(int count)
    {
        var random = new Statistics.DeterministicRandom("xinstruct/minhash");
        var (a, b) = (new ulong[count], new ulong[count]);
        for (var i = 0; i < count; i++) (a[i], b[i]) = ((random.NextUInt64() % (MersennePrime - 1)) + 1, random.NextUInt64() % MersennePrime);
        return new MinHash(a, b);
    }
}

/// <summary>Bands and rows of locality-sensitive hashing.</summary>
public static class LshParameters
{
    /// <summary>The pair that minimises the sum, with equal weights, of the areas of false positives below and false negatives above the threshold.</summary>
    public static (int Bands, int Rows) Optimal(double threshold, int permutations)
    {
        var (best, error) = ((1, 1), double.MaxValue);
        for (var bands = 1; bands <= permutations; bands++)
        {
            for (var rows = 1; rows <= permutations / bands; rows++)
            {
                var total = (0.5 * Area(0, threshold, s => 1 - Math.Pow(1 - Math.Pow(s, rows), bands)))
                    + (0.5 * Area(threshold, 1, s => Math.Pow(1 - Math.Pow(s, rows), bands)));
                if (total < error) (best, error) = ((bands, rows), total);
            }
        }

        return best;
    }

    // Midpoints of steps of 0.001.
    private static double Area(double from, double to, Func<double, double> f)
    {
        const double step = 0.001;
        var area = 0.0;
        for (var x = from; x < to; x += step) area += f(x + (step / 2)) * step;
        return area;
    }
}
