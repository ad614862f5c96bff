using TorchSharp;
using XInstruct.Training.Models;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class SupervisedTrainerTests
{
    private static readonly TrainingExample[] Examples =
        [.. Enumerable.Range(0, 12).Select(i => new TrainingExample([1], [10 + i, 11 + i, 12 + i], [2], [30 + (i % 4), 3], i % 2 + 1))];

    private static readonly TrainingOptions Options = new()
    {
        Budget = StepBudget.Steps(60),
        BatchTokens = 48,
        Noise = new InputNoise(0.5, 0.3),
        Optimizer = new OptimizerOptions { LearningRate = 1e-2, LabelSmoothing = 0.1 },
    };

    [Fact]
    public void Train_FewExamples_LearnsThem()
    {
        using var model = TestModels.Tiny(dropout: 0.1);
        var report = SupervisedTrainer.Train(model, Examples, Options);
        report.Steps.ShouldBe(60);
        report.LastLoss.ShouldBeLessThan(report.FirstLoss / 2);
        report.LearntTokens.ShouldBeGreaterThan(0);
    }

    [Fact]
    public void Train_SameSeed_GivesTheSameBytes()
    {
        Weights(Options).ShouldBe(Weights(Options));
        Weights(Options with { Seed = 2 }).ShouldNotBe(Weights(Options));

        static byte[] Weights(TrainingOptions options)
        {
            using var model = TestModels.Tiny(dropout: 0.2);
            SupervisedTrainer.Train(model, Examples, options with { Budget = StepBudget.Steps(8) });
            return TestModels.Bytes(model);
        }
    }

    [Fact]
    public async Task Train_TwoAtOnce_GiveWhatEachGivesAlone()
    {
        byte[][] alone = [Weights(1), Weights(2)];
        var together = await Task.WhenAll(Task.Run(() => Weights(1)), Task.Run(() => Weights(2)));
        together[0].ShouldBe(alone[0]);
        together[1].ShouldBe(alone[1]);

        static byte[] Weights(ulong seed)
        {
            using var model = TestModels.Tiny(dropout: 0.2);
            SupervisedTrainer.Train(model, Examples, Options with { Seed = seed, Budget = StepBudget.Steps(15) });
            return TestModels.Bytes(model);
        }
    }

    [Fact]
    public void Step_ManyTimes_LeavesTheCountOfLiveTensorsUnchanged()
    {
        using var model = TestModels.Tiny(dropout: 0.1);
        using var session = new OptimizationSession(model, Options.Optimizer, new LearningRateSchedule(1e-3, Decay.Cosine, 2, 100));
        var steps = new BatchPlan(Examples, Options).Steps();
        session.Step(steps[0]);
        session.Step(steps[1]);
        // What other tests left to the finaliser must not hide a leak, nor look like one.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var live = torch.Tensor.TotalCount;
        foreach (var step in steps)
            session.Step(step);
        torch.Tensor.TotalCount.ShouldBe(live);
    }

    [Fact]
    public void Train_Cancelled_Stops()
    {
        using var model = TestModels.Tiny();
        using var source = new CancellationTokenSource();
        var seen = 0;
        Should.Throw<OperationCanceledException>(() => SupervisedTrainer.Train(model, Examples, Options, new Now(progress =>
        {
            seen = progress.Step;
            if (progress.Step == 3)
                source.Cancel();
        }), source.Token));
        seen.ShouldBe(3);
    }

    [Fact]
    public void Train_Progress_CountsEveryStep()
    {
        using var model = TestModels.Tiny();
        var reports = new List<TrainingProgress>();
        SupervisedTrainer.Train(model, Examples, Options with { Budget = StepBudget.Steps(5) }, new Now(reports.Add));
        reports.Select(report => report.Step).ShouldBe([1, 2, 3, 4, 5]);
        reports.ShouldAllBe(report => report.Steps == 5 && report.TokensPerSecond > 0 && double.IsFinite(report.Loss));
    }

    [Fact]
    public void Train_NoExamples_Throws()
    {
        using var model = TestModels.Tiny();
        Should.Throw<ArgumentException>(() => SupervisedTrainer.Train(model, [], Options));
        Should.Throw<ArgumentException>(() => SupervisedTrainer.Train(model, [TrainingExample.Of([1], [])], Options)).Message.ShouldContain("Example 0");
    }

    private sealed class Now(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
