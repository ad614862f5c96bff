using System.Globalization;

namespace XInstruct.Training.Tests;

/// <summary>Damaged copies of a file for fuzz tests: the same seed gives the same bytes.</summary>
internal static class Mutation
{
    private static readonly byte[][] Snippets =
        [.. new[] { "-1", "null", "\"\"", "[]", "{}", "1e999", "99999999999", "\\ud800", "type", "true", "0.1", "\u2581" }.Select(System.Text.Encoding.UTF8.GetBytes)];

    /// <summary>How many mutations a fuzz test tries: 10³, at night 10⁵.</summary>
    public static int Count => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY")) ? 1_000 : 100_000;

    /// <summary>One of: cut short, bytes changed, bits flipped, a part left out, repeated, overwritten, or a number or string put in. Up to four of them at once.</summary>
    public static byte[] Of(ReadOnlySpan<byte> bytes, int seed)
    {
        var random = new Random(seed);
        var result = bytes.ToArray();
        for (var times = 1 + (random.Next(8) == 0 ? random.Next(4) : 0); times > 0; times--)
            result = Once(result, random);
        return result;
    }

    private static byte[] Once(byte[] bytes, Random random)
    {
        if (bytes.Length == 0) return [(byte)random.Next(256)];
        var at = random.Next(bytes.Length);
        var length = Math.Min(bytes.Length - at, 1 + (int)Math.Pow(random.NextDouble() * 16, 2));
        var number = Number(random);
        switch (random.Next(9))
        {
            case 0: return bytes[..at];
            case 1: bytes[at] = (byte)random.Next(256); return bytes;
            case 2: bytes[at] ^= (byte)(1 << random.Next(8)); return bytes;
            case 3: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 4: return [.. bytes[..(at + length)], .. bytes[at..]];
            case 5: random.NextBytes(bytes.AsSpan(at, length)); return bytes;
            case 6: return [.. bytes[..at], .. number, .. bytes[at..]];
            case 7: number.AsSpan(0, Math.Min(number.Length, bytes.Length - at)).CopyTo(bytes.AsSpan(at)); return bytes;
            default: bytes.AsSpan(random.Next(bytes.Length - length + 1), length).ToArray().CopyTo(bytes, at); return bytes;
        }
    }

    private static byte[] Number(Random random) => random.Next(4) switch
    {
        0 => Snippets[random.Next(Snippets.Length)],
        1 => BitConverter.GetBytes(random.Next(2) == 0 ? long.MaxValue : -1L),
        2 => System.Text.Encoding.UTF8.GetBytes(random.Next().ToString(CultureInfo.InvariantCulture)),
        _ => BitConverter.GetBytes((int)(uint.MaxValue >> random.Next(32))),
    };
}
