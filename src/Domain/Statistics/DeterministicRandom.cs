using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace XInstruct.Domain.Statistics;

/// <summary>
/// xoshiro256** (Blackman and Vigna 2018) seeded by SplitMix64: the same numbers on every machine and runtime, for ever. Streams of one seed differ
/// by their numbers, so that each example, pass or request has its own. Not for secrets.
/// </summary>
public sealed class DeterministicRandom
{
    private ulong _s0, _s1, _s2, _s3;

    /// <summary>Generator of a seed and of the stream that the numbers name.</summary>
    public DeterministicRandom(ulong seed, params ReadOnlySpan<ulong> stream)
    {
        foreach (var number in stream) seed = SplitMix(ref seed) ^ number;
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
    }

    /// <summary>Generator of a name, e.g. "evaluate/1/sw/7".</summary>
    public DeterministicRandom(string name)
        : this(SeedOf(name))
    {
    }

    /// <summary>Where in its sequence it is: a generator that is given this goes on as this one would.</summary>
    public (ulong First, ulong Second, ulong Third, ulong Fourth) State
    {
        get => (_s0, _s1, _s2, _s3);
        set => (_s0, _s1, _s2, _s3) = value;
    }

    /// <summary>Seed of a name: the first 8 bytes, big-endian, of SHA-256 of its UTF-8 bytes.</summary>
    public static ulong SeedOf(string name) => BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    /// <summary>Next 64 bits.</summary>
    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>Uniform in [0, 1): 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [0, <paramref name="limit"/>), without bias (Lemire 2019: the high half of a product, redrawn in the uneven sliver).</summary>
    public int Next(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var threshold = (0UL - (ulong)limit) % (ulong)limit;
        while (true)
        {
            var high = Math.BigMul(NextUInt64(), (ulong)limit, out var low);
            if (low >= threshold) return (int)high;
        }
    }

    /// <summary>Fisher–Yates shuffle in place.</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private static ulong SplitMix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
