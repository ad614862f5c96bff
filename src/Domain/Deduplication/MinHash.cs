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

    /// <summary>Permutations of given factors and offsets, below 2^61 − 1.</summary>
    public MinHash(IReadOnlyList<ulong> factors, IReadOnlyList<ulong> offsets)
    {
        ArgumentNullException.ThrowIfNull(factors);
        ArgumentNullException.ThrowIfNull(offsets);
        if (factors.Count != offsets.Count || factors.Count == 0) throw new ArgumentException("Each permutation has one factor and one offset.", nameof(offsets));
        _a = [.. factors];
        _b = [.. offsets];
    }

    /// <summary>Number of permutations.</summary>
    public int Permutations => _a.Length;

    /// <summary>Seeded permutations; the same seed gives the same ones for ever.</summary>
    public static MinHash Create(int permutations = 128, ulong seed = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(permutations);
        var random = new DeterministicRandom(seed);
        var a = new ulong[permutations];
        var b = new ulong[permutations];
        for (var i = 0; i < permutations; i++)
        {
            a[i] = 1 + (random.NextUInt64() % (Prime - 1));
            b[i] = random.NextUInt64() % Prime;
        }

        return new MinHash(a, b);
    }

    /// <summary>Writes the signature of a set of hashes; of none, the largest value everywhere.</summary>
    public void Sign(ReadOnlySpan<uint> hashes, Span<uint> signature)
    {
        for (var p = 0; p < _a.Length; p++) signature[p] = Minimum(hashes, _a[p], _b[p]);
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
