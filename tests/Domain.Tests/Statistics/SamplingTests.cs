using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Selection;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;

namespace XInstruct.Domain.Tests.Statistics;

public sealed class SamplingTests
{
    [Fact]
    public void Allocate_AnySizes_MeetsTheTargetAndNoClusterGivesMoreThanItHas() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<ushort>(), (sizes, target) =>
        {
            if (sizes.Length == 0) return true;
            var counts = sizes.Select(s => (int)s).ToList();
            var quotas = Quota.Allocate(target, counts);
            var share = (target + sizes.Length - 1) / sizes.Length;
            return quotas.Sum() == Math.Min((int)target, counts.Sum())
                && quotas.Zip(counts).All(q => q.First <= q.Second)
                && (quotas.Sum() < target || quotas.Zip(counts).All(q => q.First >= Math.Min(share, q.Second) - sizes.Length));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Normalize_AnyWellFormedText_IsIdempotentAndHasNoDoubleSpace() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            if (TextNormalizer.Malformation(text.Get) is not null) return true;
            var once = TextNormalizer.Normalize(text.Get);
            return TextNormalizer.Normalize(once) == once && !once.Contains("  ", StringComparison.Ordinal) && once == once.Trim(' ');
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Random_KnownSeed_GivesThePublishedSequence()
    {
        // SplitMix64(0) gives e220a8397b1dcdaf, 6e789e6aa1b965f4, …; xoshiro256** of that state starts with 99ec5f36cb75f2b4.
        new DeterministicRandom(0).NextUInt64().ShouldBe(0x99ec5f36cb75f2b4UL);
    }

    [Fact]
    public void Next_ManyDraws_AreUniformWithinFiveSigma()
    {
        var random = new DeterministicRandom("uniform");
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++) counts[random.Next(7)]++;
        counts.ShouldAllBe(c => Math.Abs(c - 10_000) < 5 * Math.Sqrt(10_000));
    }

    [Fact]
    public void Interval_KnownSample_HoldsItsMeanAndNarrowsWithSize()
    {
        double[] Values(int n) => [.. Enumerable.Range(0, n).Select(i => (double)(i % 10))];
        var (low, high) = Bootstrap.Interval(Values(50), 2000, 1);
        var (narrowLow, narrowHigh) = Bootstrap.Interval(Values(5000), 2000, 1);
        low.ShouldBeLessThan(4.5);
        high.ShouldBeGreaterThan(4.5);
        (narrowHigh - narrowLow).ShouldBeLessThan((high - low) / 5);
    }
}
