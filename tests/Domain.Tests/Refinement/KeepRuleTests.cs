using XInstruct.Domain.Identities;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Refinement;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Tests.Refinement;

/// <summary>Which pairs are kept, worked out by hand. Samples are named by their place in the list.</summary>
public sealed class KeepRuleTests
{
    private static readonly Guid[] Ids = [.. Enumerable.Range(0, 64).Select(i => Identity.Sample("sw", $"text {i}")).Order(Comparer<Guid>.Create(Identity.Compare))];

    [Fact]
    public void Choose_Evaluator_KeepsTheMostLikelyAndOfEqualOnesTheFirst()
    {
        Kept([Pair(0, 0.2), Pair(1, 0.9), Pair(2, 0.5), Pair(3, 0.5), Pair(4, 0.5), Pair(5, 0.1)], Ranking.Evaluator, share: 0.5).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void Choose_Generator_RanksEachHalfByItselfAndNoConfidenceLast()
    {
        var halves = Enumerable.Range(0, Ids.Length).GroupBy(i => Identity.Half(Ids[i])).Select(h => h.Take(3).ToArray()).ToArray();
        halves.Length.ShouldBe(2);
        // One generator is surer of everything than the other: the best of each come first all the same.
        Candidate[] samples =
        [
            .. halves[0].Zip([-0.3, -0.1, -0.2], (i, p) => Pair(i, 0, p)), .. halves[1].Zip([-7.0, -9.0, (double?)null], (i, p) => Pair(i, 0, p)),
        ];
        Kept([.. samples.OrderBy(s => Array.IndexOf(Ids, s.Sample))], Ranking.Generator, share: 4.0 / 6)
            .ShouldBe([.. new[] { halves[0][1], halves[1][0] }.Order(), .. new[] { halves[0][2], halves[1][1] }.Order()]);
    }

    [Fact]
    public void Choose_Both_AddsTheRanks()
    {
        var half = Enumerable.Range(0, Ids.Length).Where(i => Identity.Half(Ids[i]) == Identity.Half(Ids[0])).Take(3).ToArray();
        // Ranks 0 + 2, 1 + 0 and 2 + 1 thirds.
        Kept([Pair(half[0], 0.9, -3), Pair(half[1], 0.8, -1), Pair(half[2], 0.7, -2)], Ranking.Both, share: 1).ShouldBe([half[1], half[0], half[2]]);
    }

    [Fact]
    public void Choose_WhatWasKeptBefore_CountsAndIsNotKeptAgain()
    {
        Candidate[] samples = [Pair(0, 0.9) with { Kept = 0 }, Pair(1, 0.8), Pair(2, 0.7) with { Kept = 1 }, Pair(3, 0.6)];
        Kept(samples, Ranking.Evaluator, share: 0.5, iteration: 1).ShouldBe([1]);
        Kept(samples, Ranking.Evaluator, share: 0.75, iteration: 1).ShouldBe([1, 2]);
        Kept(samples, Ranking.Evaluator, share: 0.25, iteration: 1).ShouldBeEmpty();
    }

    [Fact]
    public void Choose_WithoutInstructionOrRating_IsNotKept()
    {
        Candidate[] samples = [Pair(0, 0.9) with { Form = 0 }, Pair(1, 0.8) with { Level = null }, Pair(2, 0.7) with { Level = 1 }, Pair(3, 0.6)];
        Kept(samples, Ranking.Evaluator, share: 1).ShouldBe([2, 3]);
        Kept(samples, Ranking.Evaluator, share: 1, options: new RefineOptions { RequireBest = true }).ShouldBe([3]);
    }

    [Fact]
    public void Choose_FewForms_EachGetsItsShare()
    {
        // Of form 1 are the six best, and one that was kept before counts for it.
        Candidate[] samples =
        [
            .. Enumerable.Range(0, 6).Select(i => Pair(i, 0.9 - (i / 100.0)) with { Form = 1 }),
            .. Enumerable.Range(6, 5).Select(i => Pair(i, 0.5 - (i / 100.0)) with { Form = 2 }), Pair(11, 0.1) with { Form = 1, Kept = 0 },
        ];
        Kept(samples, Ranking.Evaluator, share: 0.5, iteration: 1, options: new RefineOptions { BalanceLabels = 2 }).ShouldBe([0, 1, 6, 7, 8]);
        Kept(samples, Ranking.Evaluator, share: 0.5, iteration: 1, options: new RefineOptions { BalanceLabels = 1 }).ShouldBe([0, 1, 2, 3, 4]);
    }

    [Fact]
    public void Choose_Random_DependsOnSeedAndIterationAlone()
    {
        Candidate[] samples = [.. Enumerable.Range(0, 40).Select(i => Pair(i, i / 40.0))];
        var drawn = Kept(samples, Ranking.Random, share: 0.5);
        drawn.ShouldNotBe([.. drawn.Order()]);
        Kept(samples, Ranking.Random, share: 0.5).ShouldBe(drawn);
        Kept(samples, Ranking.Random, share: 0.5, iteration: 1).ShouldNotBe(drawn);
        Kept(samples, Ranking.Random, share: 0.5, seed: 2).ShouldNotBe(drawn);
    }

    // More than one run of the sorter holds; every rank is asked of few values, so that most are ties.
    [Fact]
    public void Choose_Many_AreThoseOfTheRule()
    {
        var random = new DeterministicRandom("keep rule");
        var samples = Enumerable.Range(0, 200_000)
            .Select(i => new Candidate(Identity.Sample("sw", $"{i}"), 1, 2, random.Next(1000) / 1000.0, -random.Next(1000), i % 7 == 0 ? 0 : null)).ToArray();
        var pairs = samples.Index().Where(s => s.Item.Kept is null).ToList();
        var evaluator = Ranks(pairs.Select(p => -p.Item.BestProbability));
        var halves = pairs.GroupBy(p => Identity.Half(p.Item.Sample)).ToDictionary(h => h.Key, h => Ranks(h.Select(p => -p.Item.LogProbability)));
        var expected = pairs.OrderBy(p => evaluator[-p.Item.BestProbability] + halves[Identity.Half(p.Item.Sample)][-p.Item.LogProbability]).Select(p => p.Index)
            .Take(100_000 - samples.Count(s => s.Kept == 0));
        using var rule = new KeepRule(new RefineOptions { Keep = [0.5] }, 1, 1, () => new MemoryStream());
        foreach (var sample in samples) rule.Add(sample);
        rule.Choose().SequenceEqual(expected).ShouldBeTrue();

        static Dictionary<double, double> Ranks(IEnumerable<double> values)
        {
            var ordered = values.Order().ToList();
            return ordered.Index().GroupBy(v => v.Item).ToDictionary(v => v.Key, v => (double)v.First().Index / ordered.Count);
        }
    }

    private static Candidate Pair(int sample, double best, double? confidence = null) => new(Ids[sample], (UInt128)sample + 1, 2, best, confidence ?? double.NegativeInfinity, null);

    private static int[] Kept(Candidate[] samples, Ranking rank, double share, int iteration = 0, int seed = 1, RefineOptions? options = null)
    {
        options ??= new RefineOptions();
        (options.Rank, options.Keep) = (rank, [share]);
        using var rule = new KeepRule(options, iteration, seed, () => new MemoryStream());
        foreach (var sample in samples) rule.Add(sample);
        return [.. rule.Choose().Select(place => Array.IndexOf(Ids, samples[place].Sample))];
    }
}
