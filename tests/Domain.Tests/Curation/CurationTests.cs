using XInstruct.Domain.Curation;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Curation;

public sealed class CurationTests
{
    [Fact]
    public void Merge_RowsWithAndWithoutInput_AreMeasuredInCodePoints()
    {
        CurationRow.Merge(" Tafsiri ", "𝔘nicode 👍", "ok ", "a").ShouldBe(new CurationRow("Tafsiri  𝔘nicode 👍", "ok", "a", 18));
        CurationRow.Merge("요약해 줘", "  ", "네", "b")!.Length.ShouldBe(5);
        CurationRow.Merge(" ", null, "x", "a").ShouldBeNull();
        CurationRow.Merge("x", null, "\n", "a").ShouldBeNull();
    }

    [Fact]
    public void Of_LengthsWithTies_GoUp()
    {
        // numpy.quantile([1, 2, 3, 4], [0, .25, .5, .75]) is 1, 1.75, 2.5, 3.25.
        var groups = new LengthGroups([4, 1, 3, 2], 4);
        groups.Starts.ShouldBe([1, 1.75, 2.5, 3.25]);
        new[] { 1, 2, 3, 4 }.Select(groups.Of).ShouldBe([0, 1, 2, 3]);
        // Half of all rows have one length: the groups below its last quantile are empty.
        groups = new LengthGroups([5, 5, 5, 9], 4);
        groups.Starts.ShouldBe([5, 5, 5, 6]);
        new[] { 5, 9 }.Select(groups.Of).ShouldBe([2, 3]);
        new LengthGroups([7], 5).Of(7).ShouldBe(4);
        // Shorter than all that was cut: the first.
        groups.Of(1).ShouldBe(0);
    }

    [Theory]
    [InlineData(0.01, 250, 3)]
    [InlineData(0.01, 100, 1)]
    [InlineData(0.05, 41, 3)]
    [InlineData(0.1, 30, 3)]
    [InlineData(0.3, 10, 4)]
    [InlineData(1, 7, 7)]
    public void Of_ByPerplexity_KeepsEachStep(double share, int rows, int kept)
    {
        var cluster = Rows(rows);
        var sample = QualitySample.Of(cluster, SampleRule.Ppl, share, seed: 1);
        sample.Count.ShouldBe(kept);
        var step = (int)Math.Floor((1 / share) + 1e-9);
        var sorted = cluster.OrderBy(row => row.Perplexity).ToArray();
        sample.ShouldBe(Enumerable.Range(0, kept).Select(i => sorted[i * step]));
        QualitySample.Of([.. cluster.Reverse()], SampleRule.Ppl, share, seed: 2).ShouldBe(sample);
    }

    [Fact]
    public void Of_WholeData_KeepsAboutRowsTimesShareAndHalfARowACluster()
    {
        // 375,506 rows in 5 × 100 clusters gave 4,006: near 3,755 + 500 / 2.
        var random = new DeterministicRandom(5);
        var sizes = Enumerable.Range(0, 500).Select(_ => 200 + random.Next(1101)).ToArray();
        var kept = sizes.Sum(size => QualitySample.Of(Rows(size), SampleRule.Ppl, 0.01, seed: 1).Count);
        kept.ShouldBe(sizes.Sum(size => (size + 99) / 100));
        ((double)kept).ShouldBe((sizes.Sum() * 0.01) + 250, 25);
    }

    [Fact]
    public void Of_ByLotAndByHighest_KeepTheirShare()
    {
        var cluster = Rows(200);
        var lot = QualitySample.Of(cluster, SampleRule.Rand, 0.1, seed: 42);
        lot.Count.ShouldBe(20);
        QualitySample.Of([.. cluster.Reverse()], SampleRule.Rand, 0.1, seed: 42).ShouldBe(lot);
        QualitySample.Of(cluster, SampleRule.Rand, 0.1, seed: 43).ShouldNotBe(lot);
        SampleCandidate[] repeated = [new(0, 9, 1), new(1, 8, 1), new(2, 7, 2), new(3, 1, 3), new(4, 0.5, 4)];
        QualitySample.Of(repeated, SampleRule.PplH, 0.4, seed: 1).Select(row => row.Index).ShouldBe([0L, 2L]);
        QualitySample.Of(repeated, SampleRule.PplH, 0.1, seed: 1).ShouldBeEmpty();
    }

    private static SampleCandidate[] Rows(int count)
    {
        var random = new DeterministicRandom((ulong)count);
        return [.. Enumerable.Range(0, count).Select(i => new SampleCandidate(i, random.NextDouble() * 100, (ulong)i))];
    }
}
