using FsCheck;
using FsCheck.Fluent;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class BatchPlanTests
{
    private static readonly TrainingExample[] Examples =
        [.. Enumerable.Range(0, 40).Select(i => new TrainingExample([1], [.. Enumerable.Range(100, 3 + (i * 7 % 20))], [2], [500 + i, 3]))];

    [Fact]
    public void Steps_Passes_SeeEachExampleOncePerPass()
    {
        var rows = new BatchPlan(Examples, new TrainingOptions { Budget = StepBudget.Passes(3), BatchTokens = 100 }).Steps().SelectMany(step => step.SelectMany(batch => batch));
        rows.CountBy(row => row.Tokens[^2]).ShouldAllBe(entry => entry.Value == 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(200)]
    public void Steps_StepBudget_IsExact(int steps)
        => new BatchPlan(Examples, new TrainingOptions { Budget = StepBudget.Steps(steps), AccumulationSteps = 2 }).Steps().Count.ShouldBe(steps);

    [Fact]
    public void Steps_TokenBudget_IsKeptAndUsedUpToOneBatch()
    {
        var options = new TrainingOptions { Budget = StepBudget.Tokens(5000), BatchTokens = 128, Noise = new InputNoise() };
        var tokens = new BatchPlan(Examples, options).Steps().Sum(BatchPlan.Count);
        tokens.ShouldBeInRange(5000 - 128, 5000);
    }

    [Fact]
    public void Steps_AnyBatch_StaysWithinItsTokens()
    {
        var steps = new BatchPlan(Examples, new TrainingOptions { Budget = StepBudget.Passes(2), BatchTokens = 90 }).Steps();
        steps.SelectMany(step => step).ShouldAllBe(batch => batch.Length == 1 || batch.Length * batch.Max(row => row.Tokens.Length) <= 90);
    }

    [Fact]
    public void Steps_SameSeed_AreTheSame_OtherSeedsNot()
    {
        Flat(1).ShouldBe(Flat(1));
        Flat(2).ShouldNotBe(Flat(1));

        static int[] Flat(ulong seed) => [.. new BatchPlan(Examples, new TrainingOptions { Seed = seed, Noise = new InputNoise(), Budget = StepBudget.Passes(2) })
            .Steps().SelectMany(step => step.SelectMany(batch => batch.SelectMany(row => row.Tokens)))];
    }

    [Fact]
    public void Steps_Noise_LeavesPrefixSuffixAndCompletionAlone()
    {
        var rows = new BatchPlan(Examples, new TrainingOptions { Noise = new InputNoise(1, 1), Budget = StepBudget.Passes(2) }).Steps().SelectMany(step => step.SelectMany(batch => batch));
        rows.ShouldAllBe(row => row.Tokens[0] == 1 && row.Tokens[row.LearnFrom - 1] == 2 && row.Tokens.Length == row.LearnFrom + 2 && row.LearntTokens == 2);
    }

    [Fact]
    public void Steps_LongText_IsCutToFit()
    {
        var rows = new BatchPlan(Examples, new TrainingOptions { MaxTokens = 8, Budget = StepBudget.Passes(1) }).Steps().SelectMany(step => step.SelectMany(batch => batch));
        rows.ShouldAllBe(row => row.Tokens.Length <= 8 && row.Tokens.Last() == 3 && row.Tokens[0] == 1);
    }

    [Fact]
    public void Disturb_AnyTokens_AreASubset()
        => Prop.ForAll<int[], int>((tokens, seed) =>
        {
            var left = tokens.ToList();
            return new InputNoise().Disturb(tokens, new DeterministicRandom((ulong)seed)).All(left.Remove);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Disturb_NoNoise_IsTheText()
        => new InputNoise(0, 0).Disturb([5, 6, 7, 8], new DeterministicRandom(1)).ShouldBe([5, 6, 7, 8]);

    [Fact]
    public void Disturb_ManyDraws_DropThirtyPercentOnAverage()
    {
        int[] tokens = [.. Enumerable.Range(0, 100)];
        var kept = Enumerable.Range(0, 2000).Average(seed => new InputNoise(0.5, 0.6).Disturb(tokens, new DeterministicRandom((ulong)seed)).Length);
        kept.ShouldBe(70, 2);
    }
}
