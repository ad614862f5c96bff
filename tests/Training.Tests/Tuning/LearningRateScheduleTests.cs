using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Tuning;

public sealed class LearningRateScheduleTests
{
    [Fact]
    public void At_GoldenSchedules_AreExact()
    {
        var golden = Golden.Json(Golden.Copied("training/lr_schedules.json"));
        var rate = golden.GetProperty("base_lr").GetDouble();
        var seen = 0;
        foreach (var entry in golden.GetProperty("entries").EnumerateArray())
        {
            var kind = entry.GetProperty("type").GetString()!;
            Decay? decay = kind switch
            {
                "linear" => Decay.Linear,
                "cosine" or "cosine_with_min_lr" => Decay.Cosine,
                "constant" or "constant_with_warmup" => Decay.Constant,
                _ => null,
            };
            if (decay is null)
                continue;
            var floor = entry.GetProperty("kwargs").TryGetProperty("min_lr", out var lowest) ? lowest.GetDouble() / rate : 0;
            var schedule = new LearningRateSchedule(
                rate, decay.Value, entry.GetProperty("num_warmup_steps").GetInt32(), entry.GetProperty("num_training_steps").GetInt32(), floor);
            var expected = entry.GetProperty("lr_at_step").Doubles();
            for (var step = 0; step < expected.Length; step++)
                schedule.At(step).ShouldBe(expected[step], 1e-10, $"{kind} step {step}");
            seen++;
        }
        seen.ShouldBeGreaterThan(7);
    }

    [Fact]
    public void At_NegativeStep_Throws()
        => Should.Throw<ArgumentOutOfRangeException>(() => new LearningRateSchedule(1, Decay.Linear, 0, 10).At(-1));
}
