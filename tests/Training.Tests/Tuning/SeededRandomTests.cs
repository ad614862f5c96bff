using FsCheck;
using FsCheck.Fluent;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class SeededRandomTests
{
    [Fact]
    public void Next_AnyLimit_StaysBelowIt()
        => Prop.ForAll<PositiveInt, int>((limit, seed) =>
        {
            var value = new SeededRandom((ulong)seed).Next(limit.Get);
            return value >= 0 && value < limit.Get;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Next_ManyDraws_AreUniform()
    {
        var random = new SeededRandom(7);
        var counts = new int[6];
        for (var i = 0; i < 60_000; i++)
            counts[random.Next(6)]++;
        // Five standard deviations of a binomial(60000, 1/6).
        counts.ShouldAllBe(count => Math.Abs(count - 10_000) < 457);
    }

    [Fact]
    public void NextDouble_IsBelowOne_AndItsMeanIsAHalf()
    {
        var random = new SeededRandom(3);
        var values = Enumerable.Range(0, 10_000).Select(_ => random.NextDouble()).ToArray();
        values.ShouldAllBe(value => value >= 0 && value < 1);
        values.Average().ShouldBe(0.5, 0.015);
    }

    [Fact]
    public void Shuffle_AnyItems_AreAPermutation()
        => Prop.ForAll<int[], int>((items, seed) =>
        {
            var shuffled = items.ToArray();
            new SeededRandom((ulong)seed).Shuffle<int>(shuffled);
            return shuffled.Order().SequenceEqual(items.Order());
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void NextBits_SameSeedAndStream_AreTheSame()
        => new SeededRandom(1, 2, 3).NextBits().ShouldBe(new SeededRandom(1, 2, 3).NextBits());

    [Fact]
    public void NextBits_OtherStream_Differ()
    {
        ulong[] firsts = [new SeededRandom(1).NextBits(), new SeededRandom(1, 0).NextBits(), new SeededRandom(1, 1).NextBits(), new SeededRandom(1, 1, 0).NextBits(), new SeededRandom(2).NextBits()];
        firsts.Distinct().Count().ShouldBe(firsts.Length);
    }
}
