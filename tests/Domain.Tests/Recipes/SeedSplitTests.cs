using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Recipes;

namespace XInstruct.Domain.Tests.Recipes;

public sealed class SeedSplitTests
{
    [Fact]
    public void Of_AnySeeds_HoldsOutAShareOfThemAndLosesNone() =>
        Prop.ForAll(Gen.Choose(0, 200).ToArbitrary(), Gen.Choose(0, 50).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (count, percent, seed) =>
        {
            var seeds = Seeds(Enumerable.Range(0, count));
            var (training, heldOut) = SeedSplit.Of(seeds, percent / 100.0, seed);
            var expected = percent == 0 || count < 2 ? 0 : Math.Max(1, (int)Math.Round(percent / 100.0 * count));
            return heldOut.Count == expected && training.Concat(heldOut).OrderBy(s => s.Index).SequenceEqual(seeds) && training.SequenceEqual(training.OrderBy(s => s.Index));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_LanguageThatLacksARow_HoldsOutNearlyTheSameRows()
    {
        var all = SeedSplit.Of(Seeds(Enumerable.Range(0, 100)), 0.1, 1).HeldOut.Select(s => s.Index).ToHashSet();
        for (var missing = 0; missing < 100; missing++)
        {
            var heldOut = SeedSplit.Of(Seeds(Enumerable.Range(0, 100).Where(i => i != missing)), 0.1, 1).HeldOut.Select(s => s.Index).ToList();
            heldOut.Count(i => !all.Contains(i)).ShouldBe(all.Contains(missing) ? 1 : 0);
        }

        SeedSplit.Of(Seeds(Enumerable.Range(0, 100)), 0.1, 2).HeldOut.Select(s => s.Index).ShouldNotBe(all);
    }

    [Fact]
    public void Draw_AnyFile_GivesDifferentRowsInOrder() =>
        Prop.ForAll(Gen.Choose(1, 500).ToArbitrary(), Gen.Choose(1, 500).ToArbitrary(), ArbMap.Default.ArbFor<int>(), (rows, take, seed) =>
        {
            var drawn = SeedSplit.Draw(rows, take, seed);
            return drawn.Count == Math.Min(rows, take) && drawn.SequenceEqual(drawn.Distinct().Order()) && drawn.All(i => i >= 0 && i < rows) && drawn.SequenceEqual(SeedSplit.Draw(rows, take, seed));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Draw_ManySeeds_TakesEveryRowAboutEquallyOften()
    {
        var counts = new int[10];
        for (var seed = 0; seed < 2000; seed++)
        {
            foreach (var row in SeedSplit.Draw(10, 3, seed)) counts[row]++;
        }

        // 600 expected, standard deviation 20.5.
        counts.ShouldAllBe(c => c > 500 && c < 700);
    }

    private static List<Seed> Seeds(IEnumerable<int> indices) => [.. indices.Select(i => new Seed(i, $"i{i}", $"o{i}"))];
}
