using XInstruct.Domain.Sorting;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Sorting;

public sealed class ExternalSorterTests
{
    private readonly DeterministicRandom _random = new("external sorter");
    private int _opened;

    // A run holds 262,144 records of 16 bytes.
    [Theory]
    [InlineData(0, 0)]
    [InlineData(262_144, 0)]
    [InlineData(262_145, 1)]
    [InlineData(524_288, 1)]
    [InlineData(700_001, 1)]
    public void Sorted_AnyNumber_IsInOrderAndWritesOnlyWhatOneRunCannotHold(int count, int streams)
    {
        var records = Enumerable.Range(0, count).Select(i => (Key: (long)_random.Next(1000), Place: (long)i)).ToArray();
        using var sorter = new ExternalSorter<(long Key, long Place)>(Open, (a, b) => b.Key.CompareTo(a.Key) is var order and not 0 ? order : a.Place.CompareTo(b.Place));
        foreach (var record in records) sorter.Add(record);
        sorter.Sorted().SequenceEqual(records.OrderByDescending(r => r.Key)).ShouldBeTrue();
        (sorter.Count, _opened).ShouldBe((count, streams));
    }

    [Fact]
    public void Sorted_EqualRecords_AllComeBack()
    {
        using var sorter = new ExternalSorter<ulong>(Open);
        for (var i = 0; i < 1_200_000; i++) sorter.Add((ulong)(i % 3));
        sorter.Sorted().CountBy(n => n).ShouldBe([new(0, 400_000), new(1, 400_000), new(2, 400_000)]);
    }

    private MemoryStream Open()
    {
        _opened++;
        return new MemoryStream();
    }
}
