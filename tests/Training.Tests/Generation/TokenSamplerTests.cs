using System.Text.Json;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Generation;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Tests.Generation;

public sealed class TokenSamplerTests
{
    [Fact]
    public void Filter_GoldenProcessors_GiveTheSameLogits()
    {
        var seen = 0;
        foreach (var item in Golden.Json(Golden.Copied("sampling/logits_processors.json")).GetProperty("cases").EnumerateArray())
        {
            SamplingOptions? options = new();
            foreach (var processor in item.GetProperty("processors").EnumerateArray())
                options = With(options, processor.GetProperty("class").GetString()!, processor.GetProperty("params"));
            if (options is null)
                continue;
            float[] logits = [.. item.GetProperty("logits").EnumerateArray().Select(Number)];
            TokenSampler.Filter(logits, item.GetProperty("input_ids").Ints(), options);
            float[] expected = [.. item.GetProperty("processed").EnumerateArray().Select(Number)];
            for (var i = 0; i < logits.Length; i++)
            {
                if (float.IsInfinity(expected[i]))
                    logits[i].ShouldBe(expected[i], $"{item.GetProperty("name")} at {i}");
                else
                    logits[i].ShouldBe(expected[i], 1e-5, $"{item.GetProperty("name")} at {i}");
            }
            seen++;
        }
        seen.ShouldBeGreaterThan(20);
    }

    [Fact]
    public void Draw_ManyTimes_FollowsTheSoftmax()
    {
        float[] logits = [MathF.Log(0.5f), float.NegativeInfinity, MathF.Log(0.3f), MathF.Log(0.2f)];
        var random = new DeterministicRandom(11);
        var counts = new int[4];
        for (var i = 0; i < 20_000; i++)
            counts[TokenSampler.Draw(logits, random)]++;
        counts[1].ShouldBe(0);
        ((double)counts[0]).ShouldBe(10_000, 360);
        ((double)counts[2]).ShouldBe(6_000, 330);
    }

    [Fact]
    public void Greedy_EqualLogits_TakesTheFirst() => TokenSampler.Greedy([1, 3, 3, 2]).ShouldBe(1);

    [Fact]
    public void LogProbability_TwoTokens_IsTheLogistic()
        => TokenSampler.LogProbability([2f, 0f], 0).ShouldBe(-Math.Log(1 + Math.Exp(-2)), 1e-12);

    private static SamplingOptions? With(SamplingOptions? options, string kind, JsonElement parameters) => options is null ? null : kind switch
    {
        "TemperatureLogitsWarper" => options with { Temperature = parameters.GetProperty("temperature").GetDouble() },
        "TopKLogitsWarper" => options with { TopK = parameters.GetProperty("top_k").GetInt32() },
        "TopPLogitsWarper" => options with { TopP = parameters.GetProperty("top_p").GetDouble() },
        "MinPLogitsWarper" => options with { MinP = parameters.GetProperty("min_p").GetDouble() },
        "RepetitionPenaltyLogitsProcessor" => options with { RepetitionPenalty = parameters.GetProperty("penalty").GetDouble() },
        "NoRepeatNGramLogitsProcessor" => options with { NoRepeatNgram = parameters.GetProperty("ngram_size").GetInt32() },
        _ => null,
    };

    private static float Number(JsonElement element) => element.ValueKind == JsonValueKind.String
        ? element.GetString() == "-inf" ? float.NegativeInfinity : float.PositiveInfinity
        : element.GetSingle();
}
