using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

/// <summary>Losses, gradient norms and weights step by step, from PyTorch and transformers.</summary>
public sealed class GoldenTrainingTests
{
    [Theory]
    [InlineData("adamw_constant")]
    [InlineData("adamw_cosine_accum2_clip1")]
    [InlineData("adamw_linear_accum2_clip1_nodecay")]
    [InlineData("adamw_cosine_accum2_tokenweighted")]
    public void Step_GoldenTrace_IsTheSame(string name)
    {
        using var torchScope = torch.NewDisposeScope();
        var golden = Golden.Json(Golden.Copied("training/full_finetune.json"));
        var batches = golden.GetProperty("batches").EnumerateArray().Select(Rows).ToArray();
        var trace = golden.GetProperty("traces").GetProperty(name);
        var (settings, scheduler) = (trace.GetProperty("optimizer"), trace.GetProperty("scheduler"));
        var options = new OptimizerOptions
        {
            LearningRate = settings.GetProperty("lr").GetDouble(),
            Beta1 = settings.GetProperty("betas")[0].GetDouble(),
            Beta2 = settings.GetProperty("betas")[1].GetDouble(),
            Epsilon = settings.GetProperty("eps").GetDouble(),
            WeightDecay = settings.GetProperty("weight_decay").GetDouble(),
            DecayMatricesOnly = settings.GetProperty("no_decay_on_norm_weights").GetBoolean(),
            ClipNorm = trace.GetProperty("max_grad_norm") is { ValueKind: JsonValueKind.Number } norm ? norm.GetDouble() : null,
            Weighting = trace.GetProperty("accumulation_weighting").GetString() == "tokens" ? AccumulationWeighting.Tokens : AccumulationWeighting.MicroBatchMeans,
        };
        var schedule = new LearningRateSchedule(
            options.LearningRate,
            scheduler.GetProperty("type").GetString() switch { "cosine" => Decay.Cosine, "linear" => Decay.Linear, _ => Decay.Constant },
            scheduler.GetProperty("num_warmup_steps").GetInt32(),
            scheduler.GetProperty("num_training_steps").GetInt32());
        var accumulation = trace.GetProperty("gradient_accumulation_steps").GetInt32();
        using var model = TestModels.Golden("llama_gqa");
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
                if (result.GradientNorm is { } length)
                    length.ShouldBe(step.GetProperty("grad_norm_before_clip").GetDouble(), 1e-4 * length);
            }
        }
        using var noGrad = torch.no_grad();
        var after = trace.GetProperty("loss_after_on_all_batches").Doubles();
        for (var i = 0; i < batches.Length; i++)
            OptimizationSession.MeanLoss(model, batches[i], 0).item<float>().ShouldBe((float)after[i], 1e-4f);
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter, StringComparer.Ordinal);
        foreach (var entry in trace.GetProperty("final_params").EnumerateObject())
        {
            var values = parameters[entry.Name].cpu().data<float>().ToArray();
            var length = entry.Value.GetProperty("l2").GetDouble();
            Math.Sqrt(values.Sum(value => (double)value * value)).ShouldBe(length, 1e-5 * length, entry.Name);
            values.Sum(value => (double)value).ShouldBe(entry.Value.GetProperty("sum").GetDouble(), 1e-3, entry.Name);
            var first = entry.Value.GetProperty("first4").Doubles();
            for (var i = 0; i < first.Length; i++)
                ((double)values[i]).ShouldBe(first[i], 1e-5, entry.Name);
        }
    }

    private static TrainingRow[] Rows(JsonElement batch) => [.. batch.GetProperty("input_ids").EnumerateArray().Select((ids, i) =>
    {
        var length = batch.GetProperty("attention_mask")[i].Ints().Sum();
        var labels = batch.GetProperty("labels")[i].Ints();
        return new TrainingRow(ids.Ints()[..length], Array.FindIndex(labels, label => label != -100), 1);
    })];
}
