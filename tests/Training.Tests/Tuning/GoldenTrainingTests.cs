using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Tuning;

/// <summary>Losses, gradient norms and weights step by step, from PyTorch and transformers.</summary>
public sealed class GoldenTrainingTests(ITestOutputHelper output)
{
    [GoldenFact("training/full_finetune.json")]
    public void Step_GoldenTraces_AreTheSame()
    {
        var file = Golden.Find("training/full_finetune.json")!;
        var golden = Golden.Json(file);
        var model = Path.Combine(Path.GetDirectoryName(file)!, golden.GetProperty("base_model").GetString()!);
        foreach (var trace in golden.GetProperty("traces").EnumerateObject())
            output.WriteLine($"full_finetune {trace.Name}: {Follow(model, Trace.Batches(file), trace.Value)} cases");
    }

    private static int Follow(string folder, TrainingRow[][] batches, JsonElement trace)
    {
        using var torchScope = torch.NewDisposeScope();
        var (settings, scheduler) = (trace.GetProperty("optimizer"), trace.GetProperty("scheduler"));
        var options = Trace.Optimizer(settings) with
        {
            DecayMatricesOnly = settings.GetProperty("no_decay_on_norm_weights").GetBoolean(),
            // With no limit the norm is still worked out.
            ClipNorm = trace.GetProperty("max_grad_norm") is { ValueKind: JsonValueKind.Number } norm ? norm.GetDouble() : double.MaxValue,
            Weighting = trace.GetProperty("accumulation_weighting").GetString() == "tokens" ? AccumulationWeighting.Tokens : AccumulationWeighting.MicroBatchMeans,
        };
        var schedule = new LearningRateSchedule(
            options.LearningRate,
            GoldenScheduleTests.DecayOf(scheduler.GetProperty("type").GetString()!),
            scheduler.GetProperty("num_warmup_steps").GetInt32(),
            scheduler.GetProperty("num_training_steps").GetInt32());
        var accumulation = trace.GetProperty("gradient_accumulation_steps").GetInt32();
        var cases = 0;
        using var model = Checkpoint.Load(folder, torch.CPU);
        model.train();
        using (var session = new OptimizationSession(model, options, schedule))
        {
            var micro = 0;
            foreach (var step in trace.GetProperty("steps").EnumerateArray())
            {
                var result = session.Step([.. Enumerable.Range(0, accumulation).Select(_ => batches[micro++ % batches.Length])]);
                result.LearningRate.ShouldBe(step.GetProperty("lr").GetDouble(), 1e-9);
                var expected = step.GetProperty("micro_losses").Doubles();
                for (var i = 0; i < expected.Length; i++)
                    result.MicroLosses[i].ShouldBe(expected[i], 1e-4);
                var length = step.GetProperty("grad_norm_before_clip").GetDouble();
                result.GradientNorm!.Value.ShouldBe(length, 1e-4 * length);
                cases++;
            }
        }
        using var noGrad = torch.no_grad();
        var after = trace.GetProperty("loss_after_on_all_batches").Doubles();
        for (var i = 0; i < batches.Length; i++)
            OptimizationSession.MeanLoss(model, batches[i], 0).item<float>().ShouldBe((float)after[i], 1e-4f);
        foreach (var entry in trace.GetProperty("final_params").EnumerateObject())
        {
            Trace.Same(model.get_parameter(entry.Name)!, entry.Value, entry.Name);
            cases++;
        }
        return cases;
    }
}
