using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

/// <summary>What the golden files of training have in common.</summary>
internal static class Trace
{
    /// <summary>The batches of full_finetune.json, which the other files use too.</summary>
    public static TrainingRow[][] Batches(string file) => [.. Golden.Json(file).GetProperty("batches").EnumerateArray().Select(Rows)];

    public static OptimizerOptions Optimizer(JsonElement settings) => new()
    {
        LearningRate = settings.GetProperty("lr").GetDouble(),
        Beta1 = settings.GetProperty("betas")[0].GetDouble(),
        Beta2 = settings.GetProperty("betas")[1].GetDouble(),
        Epsilon = settings.GetProperty("eps").GetDouble(),
        WeightDecay = settings.GetProperty("weight_decay").GetDouble(),
        DecayMatricesOnly = false,
        ClipNorm = null,
    };

    public static void Same(torch.Tensor tensor, JsonElement expected, string name)
    {
        var values = tensor.detach().cpu().data<float>().ToArray();
        if (expected.TryGetProperty("shape", out var shape)) tensor.shape.ShouldBe(shape.EnumerateArray().Select(size => size.GetInt64()), name);
        var length = expected.GetProperty("l2").GetDouble();
        Math.Sqrt(values.Sum(value => (double)value * value)).ShouldBe(length, 1e-5 * Math.Max(length, 1e-3), name);
        if (expected.TryGetProperty("sum", out var sum)) values.Sum(value => (double)value).ShouldBe(sum.GetDouble(), 1e-3, name);
        First(values, expected, 1e-5, name);
    }

    public static void SameGradient(torch.Tensor gradient, JsonElement expected, string name)
    {
        var values = gradient.data<float>().ToArray();
        var length = expected.GetProperty("l2").GetDouble();
        Math.Sqrt(values.Sum(value => (double)value * value)).ShouldBe(length, 1e-4 * length, name);
        First(values, expected, 1e-4, name);
    }

    private static void First(float[] values, JsonElement expected, double tolerance, string name)
    {
        var first = expected.GetProperty("first4").Doubles();
        for (var i = 0; i < first.Length; i++)
            ((double)values[i]).ShouldBe(first[i], tolerance * Math.Max(1, Math.Abs(first[i])), name);
    }

    private static TrainingRow[] Rows(JsonElement batch) => [.. batch.GetProperty("input_ids").EnumerateArray().Select((ids, i) =>
    {
        var length = batch.GetProperty("attention_mask")[i].Ints().Sum();
        var labels = batch.GetProperty("labels")[i].Ints();
        return new TrainingRow(ids.Ints()[..length], Array.FindIndex(labels, label => label >= 0), 1);
    })];
}
