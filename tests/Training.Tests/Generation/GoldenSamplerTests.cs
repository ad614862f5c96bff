using System.Text.Json;
using XInstruct.Training.Generation;
using Xunit.Abstractions;

namespace XInstruct.Training.Tests.Generation;

/// <summary>The filters against transformers' logits processors.</summary>
public sealed class GoldenSamplerTests(ITestOutputHelper output)
{
    [GoldenFact("sampling/logits_processors.json")]
    public void Filter_GoldenProcessors_GiveTheSameLogits()
    {
        var cases = 0;
        foreach (var item in Golden.Json(Golden.Find("sampling/logits_processors.json")!).GetProperty("cases").EnumerateArray())
        {
            // In the file's order, one at a time.
            float[] logits = Numbers(item, "logits");
            foreach (var processor in item.GetProperty("processors").EnumerateArray())
                TokenSampler.Filter(logits, item.GetProperty("input_ids").Ints(), Options(processor.GetProperty("class").GetString()!, processor.GetProperty("params")));
            float[] expected = Numbers(item, "processed"), probabilities = Numbers(item, "probs");
            var total = logits.Sum(logit => Math.Exp(logit));
            for (var i = 0; i < logits.Length; i++)
            {
                if (float.IsInfinity(expected[i]))
                    logits[i].ShouldBe(expected[i], $"case {cases} at {i}");
                else
                    ((double)logits[i]).ShouldBe(expected[i], 1e-5, $"case {cases} at {i}");
                (Math.Exp(logits[i]) / total).ShouldBe(probabilities[i], 1e-5, $"case {cases} at {i}");
            }
            cases++;
        }

        output.WriteLine($"logits_processors: {cases} cases");
    }

    private static SamplingOptions Options(string kind, JsonElement parameters) => kind switch
    {
        "TemperatureLogitsWarper" => new() { Temperature = parameters.GetProperty("temperature").GetDouble() },
        "TopKLogitsWarper" => new() { TopK = parameters.GetProperty("top_k").GetInt32() },
        "TopPLogitsWarper" => new() { TopP = parameters.GetProperty("top_p").GetDouble() },
        "MinPLogitsWarper" => new() { MinP = parameters.GetProperty("min_p").GetDouble() },
        "TypicalLogitsWarper" => new() { TypicalP = parameters.GetProperty("mass").GetDouble() },
        "RepetitionPenaltyLogitsProcessor" => new() { RepetitionPenalty = parameters.GetProperty("penalty").GetDouble() },
        "NoRepeatNGramLogitsProcessor" => new() { NoRepeatNgram = parameters.GetProperty("ngram_size").GetInt32() },
        _ => throw new ArgumentException($"No filter here is a {kind}."),
    };

    private static float[] Numbers(JsonElement item, string name) => [.. item.GetProperty(name).EnumerateArray().Select(element => element.ValueKind == JsonValueKind.String
        ? element.GetString() == "-inf" ? float.NegativeInfinity : float.PositiveInfinity
        : element.GetSingle())];
}
