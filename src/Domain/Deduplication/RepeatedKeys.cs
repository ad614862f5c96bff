namespace XInstruct.Domain.Deduplication;

/// <summary>
/// Which of many 64-bit hashes occur more than once, in three bytes each: every repeated one is found, and few single ones are taken for repeated.
/// Two Bloom filters, of what was seen and of what was seen again, with all bits of a key in one cache line (Putze, Sanders and Singler, "Cache-,
/// hash- and space-efficient Bloom filters", 2009: blocked filters). Not thread-safe.
/// </summary>
/// <param name="capacity">How many hashes come; more than that are taken for repeated more often.</param>
internal sealed class RepeatedKeys(long capacity)
{
    private const int WordsPerBlock = 8;
    private const int BitsPerKey = 6;

    private readonly ulong[] _seen = Filter(capacity, 16);

    // Of n hashes no more than n / 2 different ones come again.
    private readonly ulong[] _again = Filter(capacity, 8);

    /// <summary>Counts one more.</summary>
    public void Add(ulong key)
    {
        if (Contains(_seen, key)) Set(_again, key);
        else Set(_seen, key);
    }

    /// <summary>It was added at least once, or looks as if it was.</summary>
    public bool Seen(ulong key) => Contains(_seen, key);

    /// <summary>It was added at least twice, or looks as if it was.</summary>
    public bool Repeats(ulong key) => Contains(_again, key);

    private static ulong[] Filter(long capacity, int bitsPerKey) => new ulong[((capacity * bitsPerKey / (64 * WordsPerBlock)) + 1) * WordsPerBlock];

    private static bool Contains(ulong[] filter, ulong key)
    {
        var (block, bits) = Place(filter, key);
        for (var i = 0; i < BitsPerKey; i++, bits >>= 9)
        {
            if ((filter[block + (long)((bits >> 6) & 7)] & (1UL << (int)(bits & 63))) == 0) return false;
        }

        return true;
    }

    private static void Set(ulong[] filter, ulong key)
    {
        var (block, bits) = Place(filter, key);
        for (var i = 0; i < BitsPerKey; i++, bits >>= 9) filter[block + (long)((bits >> 6) & 7)] |= 1UL << (int)(bits & 63);
    }

    // The high half of the key times the number of blocks chooses the block; nine bits of another mix each choose one of its 512 bits.
    private static (long Block, ulong Bits) Place(ulong[] filter, ulong key)
    {
        key = (key ^ (key >> 32)) * 0x9FB21C651E98DF25;
        var block = Math.BigMul(key, (ulong)(filter.Length / WordsPerBlock), out _);
        key = (key ^ (key >> 35)) * 0xD6E8FEB86659FD93;
        return ((long)block * WordsPerBlock, key ^ (key >> 32));
    }
}
