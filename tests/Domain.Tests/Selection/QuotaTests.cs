using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Selection;

namespace XInstruct.Domain.Tests.Selection;

public sealed class QuotaTests
{
    [Theory]
    [InlineData(10, new[] { 100, 100, 100, 100 }, new[] { 3, 3, 2, 2 })]
    [InlineData(12, new[] { 100, 100, 100, 100 }, new[] { 3, 3, 3, 3 })]
    [InlineData(12, new[] { 1, 100, 2, 100 }, new[] { 1, 5, 2, 4 })]
    [InlineData(100, new[] { 3, 4 }, new[] { 3, 4 })]
    [InlineData(3, new[] { 9, 0, 9, 9, 9 }, new[] { 1, 0, 1, 1, 0 })]
    [InlineData(0, new[] { 5 }, new[] { 0 })]
    [InlineData(5, new int[0], new int[0])]
    public void Allocate_Sizes_GivesEqualSharesAndRedistributes(int target, int[] sizes, int[] quotas) => Quota.Allocate(target, sizes).ShouldBe(quotas);

    [Fact]
    public void Allocate_HundredOverTwentyFourClusters_LeavesNoneOut() => Quota.Allocate(100, [.. Enumerable.Repeat(50, 24)]).ShouldAllBe(q => q == 4 || q == 5);

    [Fact]
    public void Allocate_AnySizes_MeetsTheTargetAndIsFair() => Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<ushort>(), (bytes, target) =>
    {
        int[] sizes = [.. bytes.Select(b => (int)b)];
        var quotas = Quota.Allocate(target, sizes);
        var most = quotas.DefaultIfEmpty().Max();
        return quotas.Sum() == Math.Min(target, sizes.Sum())
            && quotas.Zip(sizes).All(q => q.First >= 0 && q.First <= q.Second)
            // Whoever gave less than the most by two or more had no more to give.
            && quotas.Zip(sizes).All(q => q.First >= most - 1 || q.First == q.Second);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Allocate_NegativeTarget_Throws() => Should.Throw<ArgumentOutOfRangeException>(() => Quota.Allocate(-1, [1]));
}
