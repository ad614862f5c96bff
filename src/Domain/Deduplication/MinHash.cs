using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Deduplication;

/// <summary>
/// MinHash signatures (Broder, 1997): one minimum a permutation over the hashes of a set. Equal places of two signatures estimate the Jaccard
/// similarity of the sets. A permutation is h → ((a·h + b) mod 2^64 mod (2^61 − 1)) mod 2^32, as datasketch computes it.
/// </summary>
public sealed class MinHash
{
    private const ulong Prime = (1UL << 61) - 1;
    private readonly ulong[] _a;
    private readonly ulong[] _b;

    /// <summary>Permutations of given coefficients, as many of <paramref name="b"/> as of <paramref name="a"/>.</summary>
    public MinHash(ulong[] a, ulong[] b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Length != b.Length || a.Length == 0) throw new ArgumentException("Each permutation has one factor and one offset.", nameof(b));
        (_a, _b) = (a, b);
    }

    /// <summary>128 permutations whose coefficients come from a named seed; permanent.</summary>
    public static MinHash Default { get; } = Draw(128);

    /// <summary>Number of permutations: the length of a signature.</summary>
    public int Permutations => _a.Length;

    /// <summary>Signature of a set of 32-bit shingle hashes; of the empty set all ones.</summary>
    public uint[] Signature(ReadOnlySpan<uint> hashes)
    {
        var signature = new uint[_a.Length];
        for (var p = 0; p < signature.Length; p++) signature[p] = Minimum(hashes, _a[p], _b[p]);
        return signature;
    }

    /// <summary>Shingles of five code points; a shorter text is its own only shingle, the empty text has none.</summary>
    public static HashSet<string> Shingles(string text) => Deduplication.Shingles.Of(text);

    /// <summary>32-bit hashes of the five-code-point shingles, repeats included, without building the shingles.</summary>
    public static uint[] ShingleHashes(string text) => Deduplication.Shingles.Hash(text);

    private static MinHash Draw(int count)
    {
        var random = new DeterministicRandom("xinstruct/minhash");
        var (a, b) = (new ulong[count], new ulong[count]);
        for (var i = 0; i < count; i++) (a[i], b[i]) = ((random.NextUInt64() % (Prime - 1)) + 1, random.NextUInt64() % Prime);
        return new MinHash(a, b);
    }

    private static uint Minimum(ReadOnlySpan<uint> hashes, ulong a, ulong b)
    {
        var least = uint.MaxValue;
        var done = 0;
        if (Vector512.IsHardwareAccelerated && hashes.Length >= 16) least = Wide(hashes, a, b, out done);
        else if (Vector256.IsHardwareAccelerated && hashes.Length >= 8) least = Narrow(hashes, a, b, out done);
        for (; done < hashes.Length; done++) least = Math.Min(least, Permute(hashes[done], a, b));
        return least;
    }

    private static uint Permute(uint hash, ulong a, ulong b) => (uint)(((a * hash) + b) % Prime);

    // a·h mod 2^64 from two 32-bit products, since h has 32 bits; x mod (2^61 − 1) by adding the upper 3 bits to the lower 61, which
    // exceeds the prime by at most 7 and then once more.
    private static uint Wide(ReadOnlySpan<uint> hashes, ulong a, ulong b, out int done)
    {
        var low = Vector512.Create(a & uint.MaxValue);
        var high = Vector512.Create(a >> 32);
        var offset = Vector512.Create(b);
        var prime = Vector512.Create(Prime);
        var belowPrime = Vector512.Create((long)Prime - 1);
        var mask = Vector512.Create((ulong)uint.MaxValue);
        var least = mask;
        var i = 0;
        for (; i + 16 <= hashes.Length; i += 16)
        {
            var (first, second) = Vector512.Widen(Vector512.Create(hashes[i..]));
            least = Vector512.Min(least, Vector512.Min(Reduce(first), Reduce(second)));
        }

        done = i;
        var best = uint.MaxValue;
        for (var lane = 0; lane < Vector512<ulong>.Count; lane++) best = Math.Min(best, (uint)least[lane]);
        return best;

        Vector512<ulong> Reduce(Vector512<ulong> hash)
        {
            var x = Product(hash, low) + (Product(hash, high) << 32) + offset;
            var folded = (x & prime) + (x >> 61);
            folded -= Vector512.GreaterThan(folded.AsInt64(), belowPrime).AsUInt64() & prime;
            return folded & mask;
        }

        static Vector512<ulong> Product(Vector512<ulong> x, Vector512<ulong> y) =>
            Avx512F.IsSupported ? Avx512F.Multiply(x.AsUInt32(), y.AsUInt32()) : x * y;
    }

    private static uint Narrow(ReadOnlySpan<uint> hashes, ulong a, ulong b, out int done)
    {
        var low = Vector256.Create(a & uint.MaxValue);
        var high = Vector256.Create(a >> 32);
        var offset = Vector256.Create(b);
        var prime = Vector256.Create(Prime);
        var belowPrime = Vector256.Create((long)Prime - 1);
        var mask = Vector256.Create((ulong)uint.MaxValue);
        var least = mask;
        var i = 0;
        for (; i + 8 <= hashes.Length; i += 8)
        {
            var (first, second) = Vector256.Widen(Vector256.Create(hashes[i..]));
            least = Vector256.Min(least, Vector256.Min(Reduce(first), Reduce(second)));
        }

        done = i;
        var best = uint.MaxValue;
        for (var lane = 0; lane < Vector256<ulong>.Count; lane++) best = Math.Min(best, (uint)least[lane]);
        return best;

        Vector256<ulong> Reduce(Vector256<ulong> hash)
        {
            var x = Product(hash, low) + (Product(hash, high) << 32) + offset;
            var folded = (x & prime) + (x >> 61);
            folded -= Vector256.GreaterThan(folded.AsInt64(), belowPrime).AsUInt64() & prime;
            return folded & mask;
        }

        static Vector256<ulong> Product(Vector256<ulong> x, Vector256<ulong> y) =>
            Avx2.IsSupported ? Avx2.Multiply(x.AsUInt32(), y.AsUInt32()) : x * y;
    }
}
