using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Models;

/// <summary>Logits, states, gradients and decoding against Hugging Face transformers.</summary>
public sealed class GoldenModelTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Logits_GoldenSequence_AreTheSame(string name)
    {
        using var model = TestModels.Golden(name);
        var expected = Expected(name).GetProperty("short");
        using var noGrad = no_grad();
        Near(model.call(Ids([expected.GetProperty("input_ids")])), expected.GetProperty("logits"), 3e-5);
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void HiddenStates_GoldenSequence_AreTheSame(string name)
    {
        using var model = TestModels.Golden(name);
        var expected = Expected(name).GetProperty("short");
        using var noGrad = no_grad();
        var states = model.HiddenStates(Ids([expected.GetProperty("input_ids")]));
        states.Count.ShouldBe(expected.GetProperty("hidden_states").GetArrayLength());
        for (var i = 0; i < states.Count; i++) Near(states[i], expected.GetProperty("hidden_states")[i], 3e-5);
    }

    [Theory]
    [InlineData("llama_gqa", "right_padded")]
    [InlineData("llama_gqa", "left_padded")]
    [InlineData("llama_rope_llama3", "right_padded")]
    [InlineData("llama_rope_llama3", "left_padded")]
    public void Logits_PaddedBatch_AreTheSame(string name, string batch)
    {
        using var model = TestModels.Golden(name);
        var expected = Expected(name).GetProperty(batch);
        using var noGrad = no_grad();
        var mask = Ids(expected.GetProperty("attention_mask").EnumerateArray());
        var logits = model.Logits(model.Hidden(Ids(expected.GetProperty("input_ids").EnumerateArray()), mask, Ids(expected.GetProperty("position_ids").EnumerateArray())));
        foreach (var at in expected.GetProperty("logits_at").EnumerateArray())
        {
            Near(logits[at.GetProperty("row").GetInt32(), at.GetProperty("pos").GetInt32()], at.GetProperty("logits"), 3e-5);
        }

        var (argmax, logsumexp, width) = (logits.argmax(-1), logits.logsumexp(-1), logits.shape[1]);
        for (var row = 0; row < 3; row++)
        {
            for (var t = 0; t < width; t++)
            {
                var best = expected.GetProperty("argmax")[row][t].GetInt32();
                if (best < 0) continue;
                argmax[row, t].item<long>().ShouldBe(best);
                ((double)logsumexp[row, t].item<float>()).ShouldBe(expected.GetProperty("logsumexp")[row][t].GetDouble(), 1e-4);
            }
        }
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Backward_GoldenBatch_GivesLossAndGradients(string name)
    {
        using var model = TestModels.Golden(name);
        var expected = Expected(name).GetProperty("loss");
        var logits = model.Logits(model.Hidden(Ids(expected.GetProperty("input_ids").EnumerateArray()), Ids(expected.GetProperty("attention_mask").EnumerateArray())));
        var labels = Ids(expected.GetProperty("labels").EnumerateArray());
        var (length, vocabulary) = (logits.shape[1], logits.shape[2]);
        var loss = nn.functional.cross_entropy(logits.narrow(1, 0, length - 1).reshape(-1, vocabulary), labels.narrow(1, 1, length - 1).reshape(-1));
        ((double)loss.item<float>()).ShouldBe(expected.GetProperty("loss").GetDouble(), 1e-5);
        loss.backward();
        var grads = model.named_parameters().ToDictionary(p => p.name, p => p.parameter.grad!, StringComparer.Ordinal);
        grads.Count.ShouldBe(expected.GetProperty("grads").EnumerateObject().Count());
        foreach (var entry in expected.GetProperty("grads").EnumerateObject())
        {
            var values = grads[entry.Name].data<float>().ToArray();
            grads[entry.Name].shape.ShouldBe(entry.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()));
            var norm = entry.Value.GetProperty("l2").GetDouble();
            Math.Sqrt(values.Sum(v => (double)v * v)).ShouldBe(norm, 1e-4 * norm, entry.Name);
            var first = entry.Value.GetProperty("first4").Doubles();
            for (var i = 0; i < first.Length; i++) ((double)values[i]).ShouldBe(first[i], 1e-4 * Math.Max(1, Math.Abs(first[i])), entry.Name);
        }

        nn.utils.clip_grad_norm_(model.parameters(), double.MaxValue).ShouldBe(expected.GetProperty("grad_total_l2").GetDouble(), 1e-3);
    }

    [Theory]
    [InlineData("llama_gqa", "greedy")]
    [InlineData("llama_gqa", "greedy_eos")]
    [InlineData("llama_rope_llama3", "greedy")]
    [InlineData("llama_rope_llama3", "greedy_eos")]
    public void Hidden_CachedLeftPaddedBatch_DecodesGreedilyAsExpected(string name, string kind)
    {
        using var model = TestModels.Golden(name);
        var prompts = Expected(name).GetProperty("greedy");
        var expected = Expected(name).GetProperty(kind);
        long? end = expected.TryGetProperty("eos_token_id", out var id) ? id.GetInt64() : null;
        var tokens = expected.GetProperty("new_tokens").EnumerateArray().Select(row => row.Ints()).ToArray();
        using var noGrad = no_grad();
        using var cache = new KeyValueCache();
        var mask = Ids(prompts.GetProperty("attention_mask").EnumerateArray());
        var ids = Ids(prompts.GetProperty("input_ids").EnumerateArray());
        var positions = (mask.cumsum(1) - 1).clamp(min: (Scalar)0);
        var done = new bool[tokens.Length];
        for (var step = 0; step < tokens[0].Length; step++)
        {
            var hidden = model.Hidden(ids, mask, positions, cache);
            var next = model.Logits(hidden.select(1, hidden.shape[1] - 1)).argmax(-1);
            for (var row = 0; row < tokens.Length; row++)
            {
                if (done[row]) tokens[row][step].ShouldBe(expected.GetProperty("pad_token_id").GetInt32());
                else next[row].item<long>().ShouldBe(tokens[row][step], $"row {row}, step {step}");
                done[row] |= tokens[row][step] == end;
            }

            (ids, positions) = (next.unsqueeze(1), positions.select(1, positions.shape[1] - 1).unsqueeze(1) + 1);
            mask = cat([mask, ones([tokens.Length, 1], ScalarType.Int64)], 1);
        }
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Logits_GoldenContinuations_HaveTheExpectedLikelihoods(string name)
    {
        using var model = TestModels.Golden(name);
        using var noGrad = no_grad();
        foreach (var expected in Expected(name).GetProperty("loglikelihood").EnumerateArray())
        {
            int[] context = expected.GetProperty("context").Ints(), continuation = expected.GetProperty("continuation").Ints();
            var all = context.Concat(continuation).Select(t => (long)t).ToArray();
            var log = model.call(tensor(all[..^1], [1, all.Length - 1])).log_softmax(-1)[0];
            var sum = 0.0;
            var greedy = true;
            for (var i = 0; i < continuation.Length; i++)
            {
                var row = log[context.Length - 1 + i];
                var value = row[continuation[i]].item<float>();
                ((double)value).ShouldBe(expected.GetProperty("token_logprobs")[i].GetDouble(), 1e-4);
                sum += value;
                greedy &= row.argmax().item<long>() == continuation[i];
            }

            sum.ShouldBe(expected.GetProperty("logprob_sum").GetDouble(), 2e-4);
            greedy.ShouldBe(expected.GetProperty("is_greedy").GetBoolean());
        }
    }

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("llama_rope_llama3")]
    public void Logits_GoldenTexts_HaveTheExpectedPerplexity(string name)
    {
        using var model = TestModels.Golden(name);
        using var noGrad = no_grad();
        foreach (var expected in Expected(name).GetProperty("perplexity").EnumerateArray())
        {
            var ids = Ids([expected.GetProperty("input_ids")]);
            var count = ids.shape[1] - 1;
            var mean = nn.functional.cross_entropy(model.call(ids)[0].narrow(0, 0, count), ids[0].narrow(0, 1, count)).item<float>();
            ((double)mean).ShouldBe(expected.GetProperty("mean_nll").GetDouble(), 1e-5);
            var perplexity = expected.GetProperty("ppl").GetDouble();
            Math.Exp(mean).ShouldBe(perplexity, 1e-4 * perplexity);
        }
    }

    public void Dispose() => _scope.Dispose();

    private static JsonElement Expected(string name) => Golden.Json(TestModels.GoldenPath(name, "expected.json"));

    private static Tensor Ids(IEnumerable<JsonElement> rows)
    {
        var all = rows.Select(row => row.Ints().Select(id => (long)id).ToArray()).ToArray();
        return tensor(all.SelectMany(row => row).ToArray(), [all.Length, all[0].Length]);
    }

    private static void Near(Tensor actual, JsonElement expected, double tolerance)
    {
        var numbers = Flat(expected).ToArray();
        var values = actual.data<float>().ToArray();
        values.Length.ShouldBe(numbers.Length);
        for (var i = 0; i < numbers.Length; i++) ((double)values[i]).ShouldBe(numbers[i], tolerance, $"element {i}");
    }

    private static IEnumerable<double> Flat(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().SelectMany(Flat) : [element.GetDouble()];
}
