using XInstruct.Domain.Statistics;

namespace XInstruct.Benchmarks.Samples;

/// <summary>
/// Draws as they were when the committed samples were made: seeds, corpus and truth before <see cref="DeterministicRandom"/> took the high half of a product for a number below a
/// limit, by the remainder of a division; topics after that. Both come from the same sequence.
/// </summary>
internal sealed class SampleRandom(string seed, bool byRemainder)
{
    private readonly DeterministicRandom _random = new(seed);

    public int Next(int limit)
    {
        if (!byRemainder) return _random.Next(limit);
        var range = (ulong)limit;
        var end = ulong.MaxValue - (ulong.MaxValue % range);
        ulong draw;
        do draw = _random.NextUInt64();
        while (draw >= end);
        return (int)(draw % range);
    }

    public void Shuffle<T>(T[] items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
