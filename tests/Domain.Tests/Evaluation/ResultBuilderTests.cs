using XInstruct.Domain.Evaluation;

namespace XInstruct.Domain.Tests.Evaluation;

public sealed class ResultBuilderTests
{
    private static readonly HashSet<string> Seen = ["de"];

    [Fact]
    public void Build_TemplatesDataSetsClusters_AreAveragedStepByStep()
    {
        // d1: 50 and 100 over its templates, d2: 25, so cluster A 50; cluster B by ROUGE-L 75; all 62.5. Perplexity is no share and in no mean.
        ScoredFile[] files =
        [
            Ranked("m", "ko", "A", "d1", "t0", 1, 1, 0, 0), Ranked("m", "ko", "A", "d1", "t1", 1, 1, 1, 1), Ranked("m", "ko", "A", "d2", "t0", 1, 0, 0, 0),
            File("m", "ko", "B", "d3", "t0", "rougeL", new ItemScore { Row = 1, Output = "a b", Reference = "a c" }, new ItemScore { Row = 2, Output = "x y z", Reference = "X, y; z!" }),
            File("m", "ko", "C", "d4", "t0", "perplexity", new ItemScore { Row = 1, Scores = [-10], Tokens = [5] }),
        ];
        var result = Build("m", files);
        Mean(MeanScope.Dataset, "A", "d1").ShouldBe(75);
        Mean(MeanScope.Dataset, "A", "d2").ShouldBe(25);
        Mean(MeanScope.Cluster, "A").ShouldBe(50);
        Mean(MeanScope.Cluster, "B").ShouldBe(75);
        Mean(MeanScope.Language, null).ShouldBe(62.5);
        Mean(MeanScope.Overall, null).ShouldBe(62.5);
        result.Means.ShouldNotContain(mean => mean.Cluster == "C");
        result.Cells.Single(cell => cell.Cluster == "C").Estimate.Score.ShouldBe(Math.Exp(2), 1e-12);

        double Mean(MeanScope scope, string? cluster, string? dataset = null) => result.Means.Single(mean => mean.Scope == scope && mean.Cluster == cluster && mean.Dataset == dataset && mean.Split == "all").Estimate.Score;
    }

    [Fact]
    public void Build_ADataSetAskedInTwoWays_IsComparedWayByWay()
    {
        ScoredFile Of(string model, string task, params int[] right) => Ranked(model, "ko", "A", "d", "t0", right) with { Task = task };
        var result = Build("base", [Of("base", "native", 0, 0, 0, 0), Of("base", "other", 1, 1, 0, 0), Of("tuned", "native", 1, 0, 0, 0), Of("tuned", "other", 1, 1, 1, 0)]);
        result.Means.Where(mean => mean is { Scope: MeanScope.Dataset, Model: "tuned" }).Select(mean => (mean.Dataset, mean.Estimate.Score, mean.Difference!.Score)).ShouldBe([("native/d", 25, 25), ("other/d", 75, 25)]);
        result.Means.Single(mean => mean is { Scope: MeanScope.Cluster, Model: "tuned" }).Estimate.Score.ShouldBe(50);
    }

    [Fact]
    public void Build_Languages_AreSplitIntoSeenAndUnseenAndComparedWithTheBaseline()
    {
        ScoredFile[] files =
        [
            Ranked("tuned", "de", "t", null, null, 1, 1, 1, 1), Ranked("tuned", "sw", "t", null, null, 1, 1, 0, 0), Ranked("tuned", "th", "t", null, null, 0, 0, 0, 1),
            Ranked("base", "de", "t", null, null, 1, 1, 0, 0), Ranked("base", "sw", "t", null, null, 1, 1, 0, 0), Ranked("base", "th", "t", null, null, 0, 0, 0, 0),
        ];
        var result = Build("base", files);
        var overall = result.Means.Where(mean => mean.Scope == MeanScope.Overall && mean.Model == "tuned").ToDictionary(mean => mean.Split);
        overall["all"].Estimate.Score.ShouldBe(175 / 3.0, 1e-9);
        overall["seen"].Estimate.Score.ShouldBe(100);
        overall["unseen"].Estimate.Score.ShouldBe(37.5);
        overall["seen"].Difference!.Score.ShouldBe(50);
        overall["unseen"].Difference!.Score.ShouldBe(12.5);
        result.Means.Where(mean => mean.Model == "base").ShouldAllBe(mean => mean.Difference == null);
        var german = result.Comparisons.Single(c => c.Of.Language == "de");
        (german.Difference.Score, german.PValue, german.Test, german.Baseline).ShouldBe((50, 0.5, "McNemar exact", "base"));
        german.AdjustedPValue.ShouldBe(1);
        // The same items right in both: nothing varies together.
        result.Comparisons.Single(c => c.Of.Language == "sw").Difference.Interval.ShouldBe((0, 0));
    }

    [Fact]
    public void Build_RowsWithoutAScore_AreCountedAndLeftOutOfBothModels()
    {
        var broken = Ranked("b", "de", "t", null, null, 1, 0, 0, 0);
        broken = broken with { Items = [broken.Items[0] with { Error = "prompt-too-long" }, .. broken.Items.Skip(1)] };
        var result = Build("a", [Ranked("a", "de", "t", null, null, 1, 1, 0, 0), broken]);
        var cell = result.Cells.Single(cell => cell.Model == "b");
        (cell.Unscored, cell.Estimate.Count, cell.Estimate.Score, cell.Chance).ShouldBe((1, 3, 0, 50));
        result.Comparisons.Single().Difference.ShouldSatisfyAllConditions(d => d.Count.ShouldBe(3), d => d.Score.ShouldBe(-100 / 3.0, 1e-9));
    }

    [Fact]
    public void Estimate_Resamples_AreTheSameForEqualSeedsAndPairedOverModels()
    {
        double[][] items = [.. Enumerable.Range(0, 50).Select(i => (double[])[i % 3 == 0 ? 1 : 0, 1])];
        var accuracy = Measure.All["accuracy"];
        var first = new Resampler(200, 7).Estimate("t", items, accuracy.Score);
        first.Replicates.ShouldBe(new Resampler(200, 7).Estimate("t", items, accuracy.Score).Replicates);
        first.Replicates.ShouldNotBe(new Resampler(200, 8).Estimate("t", items, accuracy.Score).Replicates);
        first.Minus(first).Replicates.ShouldAllBe(value => value == 0);
        first.Score.ShouldBe(34);
        // The normal interval of 17 of 50 is 34 ± 13.
        first.Interval.Low.ShouldBeInRange(17, 26);
        first.Interval.High.ShouldBeInRange(42, 51);
    }

    [Theory]
    [InlineData(1, 8, 0.0390625)]
    [InlineData(0, 0, 1)]
    [InlineData(3, 3, 1)]
    [InlineData(0, 5, 0.0625)]
    public void McNemar_Exact_IsTheBinomialTest(int first, int second, double p) => Resampler.McNemar(first, second).ShouldBe(p, 1e-12);

    [Fact]
    public void McNemar_ManyItems_StaysANumber() => Resampler.McNemar(4000, 4400).ShouldBeInRange(1e-6, 1e-4);

    [Fact]
    public void Holm_StepDown_KeepsTheOrderAndWhatIsNoNumber() =>
        Resampler.Holm([0.01, 0.04, double.NaN, 0.03]).Select(value => Math.Round(value, 12)).ShouldBe([0.03, 0.06, double.NaN, 0.06]);

    [Fact]
    public void PValue_Randomisation_TellsAClearDifferenceFromNone()
    {
        var measure = Measure.All["chrf"];
        double[][] Of(string output) => [.. Enumerable.Range(0, 12).Select(i => measure.Counts(new ItemScore { Output = i % 2 == 0 ? output : "the cat sat", Reference = "the cat sat" })!)];
        var (good, bad) = (Of("the cat sat"), Of("a dog"));
        var resampler = new Resampler(999, 1);
        resampler.PValue("t", good, bad, measure).ShouldBeLessThan(0.05);
        resampler.PValue("t", good, good, measure).ShouldBe(1);
    }

    private static EvaluationResult Build(string baseline, IReadOnlyList<ScoredFile> files) => new ResultBuilder(new Resampler(100, 1), baseline, Seen).Build(files);

    private static ScoredFile Ranked(string model, string language, string cluster, string? dataset, string? template, params int[] right) =>
        File(model, language, cluster, dataset, template, "accuracy", [.. right.Select((isRight, i) => new ItemScore { Row = i + 1, Predicted = isRight, Answer = 1, Choices = ["no", "yes"] })]);

    private static ScoredFile File(string model, string language, string cluster, string? dataset, string? template, string measure, params ItemScore[] items) =>
        new(model, cluster, language, cluster, dataset, template, [Measure.All[measure]], items);
}
