using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Statistics;

public sealed class DeterministicRandomTests
{
    [Fact]
    public void Next_AnyLimit_StaysBelowIt()
        => Prop.ForAll<PositiveInt, int>((limit, seed) =>
        {
            var value = new DeterministicRandom((ulong)seed).Next(limit.Get);
            return value >= 0 && value < limit.Get;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Next_ManyDraws_AreUniform()
    {
        var random = new DeterministicRandom(7);
        var counts = new int[6];
        for (var i = 0; i < 60_000; i++)
            counts[random.Next(6)]++;
        // Five standard deviations of a binomial(60000, 1/6).
        counts.ShouldAllBe(count => Math.Abs(count - 10_000) < 457);
    }

    [Fact]
    public void NextDouble_IsBelowOne_AndItsMeanIsAHalf()
    {
        var random = new DeterministicRandom(3);
        var values = Enumerable.Range(0, 10_000).Select(_ => random.NextDouble()).ToArray();
        values.ShouldAllBe(value => value >= 0 && value < 1);
        values.Average().ShouldBe(0.5, 0.015);
    }

    [Fact]
    public void Shuffle_AnyItems_AreAPermutation()
        => Prop.ForAll<int[], int>((items, seed) =>
        {
            var shuffled = items.ToArray();
            new DeterministicRandom((ulong)seed).Shuffle<int>(shuffled);
            return shuffled.Order().SequenceEqual(items.Order());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void NextUInt64_SameSeedAndStream_AreTheSame()
        => new DeterministicRandom(1, 2, 3).NextUInt64().ShouldBe(new DeterministicRandom(1, 2, 3).NextUInt64());

    [Fact]
    public void NextUInt64_OtherStream_Differ()
    {
        ulong[] firsts = [new DeterministicRandom(1).NextUInt64(), new DeterministicRandom(1, 0).NextUInt64(), new DeterministicRandom(1, 1).NextUInt64(), new DeterministicRandom(1, 1, 0).NextUInt64(), new DeterministicRandom(2).NextUInt64()];
        firsts.Distinct().Count().ShouldBe(firsts.Length);
    }
}
