using TorchSharp;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class TuningLoopTests : IDisposable
{
    private const int Steps = 12;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-tuning");

    private static readonly TrainingRow[] Rows = [.. Enumerable.Range(0, 14).Select(i => new TrainingRow([1, 10 + i, 11 + i, 2, .. Enumerable.Repeat(30 + (i % 4), 1 + (i % 5)), 3], 4, 1 + (i % 2)))];

    private static readonly PreferencePair[] Pairs = [.. Enumerable.Range(0, 10).Select(i => new PreferencePair([1, 10 + i, 2], [30 + (i % 3), 3], [40 + (i % 3), 41, 3]))];

    private static readonly LoopOptions Options = new()
    {
        Optimizer = new OptimizerOptions { LearningRate = 5e-3, LabelSmoothing = 0.1 },
        CheckpointSteps = 3,
        EvaluationSteps = 4,
        Seed = 7,
    };

    public static TheoryData<string> Kinds => new("full", "bf16", "packed", "recomputed", "lora", "qlora", "dpo", "dpo-lora");

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Run_InterruptedAnywhere_EndsWithTheSameBytes(string kind)
    {
        var whole = Path.Combine(_folder.FullName, "whole");
        Train(kind, whole, []).ShouldBe(1);
        var pieces = Path.Combine(_folder.FullName, "pieces");
        // Before the first checkpoint, right after one, between two, and at the last step but one.
        Train(kind, pieces, [2, 3, 5, 11]).ShouldBe(5);
        Files(pieces).ShouldBe(Files(whole));
        Directory.EnumerateDirectories(whole, "checkpoint-*").Count().ShouldBe(2);
    }

    [Fact]
    public void Run_DamagedCheckpoint_GoesOnFromTheOneBefore()
    {
        var whole = Path.Combine(_folder.FullName, "whole");
        Train("lora", whole, []);
        var damaged = Path.Combine(_folder.FullName, "damaged");
        Train("lora", damaged, [8], ends: false);
        var newest = Directory.EnumerateDirectories(damaged, "checkpoint-*").Order(StringComparer.Ordinal).Last();
        newest.ShouldEndWith("6");
        using (var file = File.OpenWrite(Path.Combine(newest, "training.safetensors"))) file.Seek(-1, SeekOrigin.End).ShouldBeGreaterThan(0);
        File.AppendAllText(Path.Combine(newest, "training.safetensors"), "x");
        Train("lora", damaged, []);
        Files(damaged).ShouldBe(Files(whole));
    }

    [Fact]
    public void Run_Diverges_SaysSo()
    {
        using var model = TestModels.Tiny();
        var task = new SupervisedTask(model, Rows[..10], Rows[10..], new RowPlanOptions { Budget = StepBudget.Steps(3) });
        var options = new LoopOptions { Optimizer = new OptimizerOptions { LearningRate = 1e25, ClipNorm = null }, WarmupShare = 0, EvaluationSteps = 1, CheckpointSteps = 1 };
        Should.Throw<InvalidOperationException>(() => new TuningLoop(task, null, options, _folder.FullName, "t").Run()).Message.ShouldContain("Lower the learning rate");
        _folder.EnumerateDirectories("*.part").ShouldBeEmpty();
    }

    [Fact]
    public void Run_FolderOfAnotherTraining_IsRefused()
    {
        Train("full", _folder.FullName, [4], ends: false);
        using var model = TestModels.Tiny(0.1);
        Should.Throw<InvalidOperationException>(() => new TuningLoop(Task(model, "full"), null, Options, _folder.FullName, "another").Run()).Message.ShouldContain("another training (full");
    }

    [Fact]
    public void Run_LossOnHeldOutRowsRises_StopsAndHasTheBestWeights()
    {
        using var model = TestModels.Tiny();
        // What is held out contradicts what is learnt.
        TrainingRow[] heldOut = [.. Rows.Select(row => row with { Tokens = [.. row.Tokens[..4], .. row.Tokens[4..].Select(t => t + 7)] })];
        var task = new SupervisedTask(model, Rows, heldOut, new RowPlanOptions { Budget = StepBudget.Steps(60), BatchTokens = 64 });
        var best = new List<(double Loss, byte[] Weights)>();
        var report = new TuningLoop(task, null, Options with { EvaluationSteps = 2, Patience = 3, Optimizer = new OptimizerOptions { LearningRate = 0.03 } }, _folder.FullName, "t").Run(new Now(p =>
        {
            if (p.Metrics.EvaluationLoss is { } loss) best.Add((loss, TestModels.Bytes(model)));
        }));
        report.StoppedEarly.ShouldBeTrue();
        report.Steps.ShouldBeLessThan(60);
        var expected = best.MinBy(b => b.Loss);
        report.BestLoss.ShouldBe(expected.Loss);
        report.Steps.ShouldBe(report.BestStep!.Value + (2 * 3));
        TestModels.Bytes(model).ShouldBe(expected.Weights);
        Directory.EnumerateDirectories(_folder.FullName, "best-*").Count().ShouldBe(1);
    }

    [Fact]
    public void Run_Metrics_AreALineAStep()
    {
        using var model = TestModels.Tiny();
        var seen = new List<TuningProgress>();
        new TuningLoop(Task(model, "full"), null, Options, _folder.FullName, "t").Run(new Now(seen.Add));
        var lines = File.ReadAllLines(Path.Combine(_folder.FullName, $"checkpoint-{Steps:D8}", "metrics.jsonl"));
        var metrics = lines.Select(line => System.Text.Json.JsonSerializer.Deserialize<StepMetrics>(line, EventJson.Options)!).ToList();
        metrics.Select(m => m.Step).ShouldBe(Enumerable.Range(1, Steps));
        metrics.ShouldAllBe(m => m.TokensPerSecond > 0 && m.MemoryBytes > 1 << 20 && m.GradientNorm > 0 && double.IsFinite(m.Loss));
        metrics.Where(m => m.EvaluationLoss is not null).Select(m => m.Step).ShouldBe([4, 8, 12]);
        metrics[^1].Loss.ShouldBeLessThan(metrics[0].Loss);
        seen.Select(p => p.Metrics.Step).ShouldBe(metrics.Select(m => m.Step));
        seen[^1].Left.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void Run_SixteenBits_LearnsFromStepsTooSmallForThem()
    {
        const torch.ScalarType type = torch.ScalarType.BFloat16;
        using (var wide = TestModels.Tiny()) Checkpoint.Save(wide, Path.Combine(_folder.FullName, "start"));
        using var model = Checkpoint.Load(Path.Combine(_folder.FullName, "start"), torch.CPU, type: type);
        var task = new SupervisedTask(model, Rows, [], new RowPlanOptions { Budget = StepBudget.Steps(150), BatchTokens = 512 });
        // A step of 1e-4 is lost on a bfloat16 weight of 0.3: only the 32-bit copies gather such steps.
        var report = new TuningLoop(task, null, Options with { EvaluationSteps = 0, CheckpointSteps = 1000, Optimizer = new OptimizerOptions { LearningRate = 4e-4 } }, Path.Combine(_folder.FullName, "t"), "t").Run();
        report.LastLoss.ShouldBeLessThan(report.FirstLoss * 0.9);
        model.parameters().ShouldAllBe(p => p.dtype == type);
        using var saved = Checkpoint.Load(Path.Combine(_folder.FullName, "t", "checkpoint-00000150"), torch.CPU, type: type);
        saved.parameters().Zip(model.parameters()).ShouldAllBe(pair => pair.First.Equals(pair.Second));
    }

    [Fact]
    public void Run_ThousandSteps_LeaveTheCountsOfLiveTensorsUnchanged()
    {
        using var model = TestModels.Tiny(0.1);
        model.RecomputesLayers = true;
        var adapter = Adapter.Attach(model, new AdapterOptions { Rank = 2, Dropout = 0.1 }, 1);
        var task = new SupervisedTask(model, Rows[..3], Rows[3..5], new RowPlanOptions { Budget = StepBudget.Steps(1000), BatchTokens = 64, PackedTokens = 32 });
        var (live, tracked) = (new List<long>(), new List<long>());
        new TuningLoop(task, adapter, Options with { CheckpointSteps = 250, EvaluationSteps = 100 }, _folder.FullName, "t").Run(new Now(p =>
        {
            if (p.Metrics.Step % 100 != 5) return;
            GC.Collect();
            GC.WaitForPendingFinalizers();
            live.Add(torch.Tensor.TotalCount);
            tracked.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }));
        live.Count.ShouldBe(10);
        live.ShouldAllBe(count => count == live[0]);
        tracked.ShouldAllBe(count => count == tracked[0]);
    }

    /// <summary>libtorch before 2.1 has no float16 products on a CPU; later ones train.</summary>
    [Fact]
    public void Run_Float16_TrainsOrSaysWhatToUse()
    {
        using (var wide = TestModels.Tiny()) Checkpoint.Save(wide, Path.Combine(_folder.FullName, "start"));
        using var model = Checkpoint.Load(Path.Combine(_folder.FullName, "start"), torch.CPU, type: torch.ScalarType.Float16);
        var loop = new TuningLoop(Task(model, "full"), null, Options, Path.Combine(_folder.FullName, "t"), "t");
        try
        {
            loop.Run().Steps.ShouldBe(Steps);
        }
        catch (NotSupportedException e)
        {
            e.Message.ShouldContain("bfloat16");
        }
    }

    [Fact]
    public void Judge_Overflow_HalvesTheScaleAndPassesTheStepOver()
    {
        var scale = new GradientScale();
        scale.Judge(double.PositiveInfinity).ShouldBeFalse();
        scale.Judge(double.NaN).ShouldBeFalse();
        scale.Factor.ShouldBe(16384);
        for (var i = 0; i < 1999; i++) scale.Judge(1).ShouldBeTrue();
        scale.Factor.ShouldBe(16384);
        scale.Judge(1).ShouldBeTrue();
        (scale.Factor, scale.Good).ShouldBe((32768, 0));
    }

    [Fact]
    public void Run_OutOfMemory_NamesWhatToLower()
    {
        using var model = TestModels.Tiny();
        var error = Should.Throw<TrainingMemoryException>(() => new TuningLoop(new Greedy(model), null, Options, _folder.FullName, "t").Run());
        error.Step.ShouldBe(1);
        error.Message.ShouldContain("Lower batchTokens");
        error.Message.ShouldContain("recompute: true");
        error.Message.ShouldContain("method: lora");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Trains in as many sittings as it takes, each in a new session with a new model, cancelled after the given steps.</summary>
    private static int Train(string kind, string folder, int[] cancelledAfter, bool ends = true)
    {
        Directory.CreateDirectory(folder);
        var start = Path.Combine(folder, "start");
        using (var model = TestModels.Tiny()) Checkpoint.Save(model, start);
        for (var sitting = 0; ; sitting++)
        {
            var type = kind == "bf16" ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32;
            using var model = Checkpoint.Load(start, torch.CPU, 0.2, type, kind == "qlora" ? new QuantizationOptions { BlockSize = 16, Double = true } : null);
            model.RecomputesLayers = kind is "recomputed" or "qlora";
            var adapter = kind is "lora" or "qlora" or "dpo-lora" ? Adapter.Attach(model, new AdapterOptions { Rank = 2, Dropout = 0.2 }, 5) : null;
            using var source = new CancellationTokenSource();
            var limit = sitting < cancelledAfter.Length ? cancelledAfter[sitting] : int.MaxValue;
            var loop = new TuningLoop(Task(model, kind), adapter, Options, folder, kind);
            try
            {
                loop.Run(new Now(p =>
                {
                    if (p.Metrics.Step >= limit) source.Cancel();
                }), cancellation: source.Token);
            }
            catch (OperationCanceledException)
            {
                if (ends || sitting + 1 < cancelledAfter.Length) continue;
                return sitting + 1;
            }

            if (adapter is null) Checkpoint.Save(model, Path.Combine(folder, "result"));
            else adapter.Save(Path.Combine(folder, "result"));
            return sitting + 1;
        }
    }

    private static TuningTask Task(Decoder model, string kind)
    {
        var plan = new RowPlanOptions { Budget = StepBudget.Steps(Steps), BatchTokens = 48, AccumulationSteps = 2, PackedTokens = kind == "packed" ? 24 : 0, Seed = 3 };
        return kind.StartsWith("dpo", StringComparison.Ordinal)
            ? new PreferenceTask(model, Pairs[..8], Pairs[8..], new PreferenceOptions(), plan)
            : new SupervisedTask(model, Rows[..12], Rows[12..], plan);
    }

    /// <summary>Names and hashes of all files; of the metrics, which have times, all but those.</summary>
    private static List<string> Files(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path =>
    {
        var content = Path.GetFileName(path) != "metrics.jsonl"
            ? ContentHash.Of(Convert.ToHexString(File.ReadAllBytes(path)))
            : string.Join('\n', File.ReadLines(path).Select(line => System.Text.Json.JsonSerializer.Deserialize<StepMetrics>(line, EventJson.Options)!).Select(m => $"{m.Step} {m.Loss:R} {m.GradientNorm:R} {m.EvaluationLoss:R} {m.Tokens}"));
        return $"{Path.GetRelativePath(folder, path)} {content}";
    })];

    /// <summary>A task whose step needs more memory than any machine has.</summary>
    private sealed class Greedy(Decoder model) : TuningTask(model)
    {
        public override int Steps => 1;

        public override bool CanEvaluate => false;

        internal override IReadOnlyList<(double Share, Func<torch.Tensor> Loss)> Parts(int step, OptimizerOptions options) => [(1, () => torch.ones(1L << 55))];

        internal override long Tokens(int step) => 1;

        internal override double Evaluate(CancellationToken cancellation) => 0;
    }

    private sealed class Now(Action<TuningProgress> report) : IProgress<TuningProgress>
    {
        public void Report(TuningProgress value) => report(value);
    }
}
