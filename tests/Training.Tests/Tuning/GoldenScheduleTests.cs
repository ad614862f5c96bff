using System.Text.Json;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Tuning;

/// <summary>Learning rates step by step, from transformers.</summary>
public sealed class GoldenScheduleTests(ITestOutputHelper output)
{
    [GoldenFact("training/lr_schedules.json")]
    public void At_GoldenSchedules_AreExact()
    {
        var golden = Golden.Json(Golden.Find("training/lr_schedules.json")!);
        var rate = golden.GetProperty("base_lr").GetDouble();
        var cases = 0;
        foreach (var entry in golden.GetProperty("entries").EnumerateArray())
        {
            var kind = entry.GetProperty("type").GetString()!;
            var settings = entry.GetProperty("kwargs");
            var schedule = new LearningRateSchedule(
                rate, DecayOf(kind), entry.GetProperty("num_warmup_steps").GetInt32(), entry.GetProperty("num_training_steps").GetInt32(),
                (Given("min_lr", 0) + Given("lr_end", kind == "polynomial" ? 1e-7 : 0)) / rate)
            {
                Cycles = (int)Given("num_cycles", 1),
                Power = Given("power", 1),
            };
            var expected = entry.GetProperty("lr_at_step").Doubles();
            for (var step = 0; step < expected.Length; step++)
                schedule.At(step).ShouldBe(expected[step], 1e-10, $"{kind} step {step}");
            cases++;

            double Given(string name, double otherwise) => settings.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : otherwise;
        }

        output.WriteLine($"lr_schedules: {cases} cases");
    }

    /// <summary>transformers' name of a schedule.</summary>
    public static Decay DecayOf(string type) => type switch
    {
        "linear" => Decay.Linear,
        "cosine" or "cosine_with_min_lr" => Decay.Cosine,
        "cosine_with_restarts" => Decay.CosineRestarts,
        "polynomial" => Decay.Polynomial,
        "inverse_sqrt" => Decay.InverseSquareRoot,
        "constant" or "constant_with_warmup" => Decay.Constant,
        _ => throw new ArgumentException($"No schedule here is a {type}."),
    };
}
