namespace Temporalio.Common;

/// <summary>Random numbers that depend on the seed only (SplitMix64 over a 64-bit state).</summary>
public class DeterministicRandom : Random
{
    private ulong state;

    public DeterministicRandom(ulong seed)
        : base(0) => state = seed;

    public override int Next() => Next(int.MaxValue);

    public override int Next(int maxValue) => Next(0, maxValue);

    public override int Next(int minValue, int maxValue)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minValue, maxValue);
        var range = (ulong)((long)maxValue - minValue);
        return range == 0 ? minValue : (int)(minValue + (long)Math.BigMul(NextBits(), range, out _));
    }

    public override long NextInt64() => (long)(NextBits() >> 1);

    public override double NextDouble() => Sample();

    public override float NextSingle() => (NextBits() >> 40) / (float)(1 << 24);

    public override void NextBytes(byte[] buffer) => NextBytes(buffer.AsSpan());

    public override void NextBytes(Span<byte> buffer)
    {
        for (var i = 0; i < buffer.Length; i++)
        {
            buffer[i] = (byte)(NextBits() >> 56);
        }
    }

    protected override double Sample() => (NextBits() >> 11) / (double)(1UL << 53);

    private ulong NextBits()
    {
        state += 0x9E3779B97F4A7C15UL;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
