using System.Text.Json;
using TorchSharp;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Models;

/// <summary>Logits, states, gradients and decoding against Hugging Face transformers, for every folder of golden models.</summary>
public sealed class GoldenModelTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private int _cases;

    public static TheoryData<string> Models => Golden.Named("models");

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Forward_GoldenSequence_GivesTheSameStatesAndLogits(string name)
    {
        using var model = Load(name, out var golden);
        var expected = golden.GetProperty("short");
        using var noGrad = no_grad();
        var ids = Ids([expected.GetProperty("input_ids")]);
        Near(model.call(ids), expected.GetProperty("logits"), 3e-5);
        var states = model.HiddenStates(ids);
        states.Count.ShouldBe(expected.GetProperty("hidden_states").GetArrayLength());
        for (var i = 0; i < states.Count; i++) Near(states[i], expected.GetProperty("hidden_states")[i], 3e-5);
        Report(name);
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Logits_PaddedBatches_AreTheSame(string name)
    {
        using var model = Load(name, out var golden);
        using var noGrad = no_grad();
        foreach (var batch in new[] { "right_padded", "left_padded" })
        {
            var expected = golden.GetProperty(batch);
            var mask = Ids(expected.GetProperty("attention_mask").EnumerateArray());
            var logits = model.Logits(model.Hidden(Ids(expected.GetProperty("input_ids").EnumerateArray()), mask, Ids(expected.GetProperty("position_ids").EnumerateArray())));
            foreach (var at in expected.GetProperty("logits_at").EnumerateArray())
            {
                Near(logits[at.GetProperty("row").GetInt32(), at.GetProperty("pos").GetInt32()], at.GetProperty("logits"), 3e-5);
            }

            var (argmax, logsumexp) = (logits.argmax(-1), logits.logsumexp(-1));
            for (var row = 0; row < logits.shape[0]; row++)
            {
                for (var t = 0; t < logits.shape[1]; t++)
                {
                    var best = expected.GetProperty("argmax")[row][t].GetInt32();
                    if (best < 0) continue;
                    argmax[row, t].item<long>().ShouldBe(best);
                    ((double)logsumexp[row, t].item<float>()).ShouldBe(expected.GetProperty("logsumexp")[row][t].GetDouble(), 1e-4);
                    _cases++;
                }
            }
        }

        Report(name);
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Backward_GoldenBatch_GivesLossAndGradients(string name)
    {
        using var model = Load(name, out var golden);
        var expected = golden.GetProperty("loss");
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
            _cases++;
        }

        var total = expected.GetProperty("grad_total_l2").GetDouble();
        nn.utils.clip_grad_norm_(model.parameters(), double.MaxValue).ShouldBe(total, 1e-4 * total);
        Report(name);
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Hidden_CachedLeftPaddedBatch_DecodesGreedilyAsExpected(string name)
    {
        using var model = Load(name, out var golden);
        using var noGrad = no_grad();
        foreach (var kind in new[] { "greedy", "greedy_eos" })
        {
            var prompts = golden.GetProperty("greedy");
            var expected = golden.GetProperty(kind);
            long? end = expected.TryGetProperty("eos_token_id", out var id) ? id.GetInt64() : null;
            var tokens = expected.GetProperty("new_tokens").EnumerateArray().Select(row => row.Ints()).ToArray();
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
                    else next[row].item<long>().ShouldBe(tokens[row][step], $"{kind}, row {row}, step {step}");
                    done[row] |= tokens[row][step] == end;
                    _cases++;
                }

                (ids, positions) = (next.unsqueeze(1), positions.select(1, positions.shape[1] - 1).unsqueeze(1) + 1);
                mask = cat([mask, ones([tokens.Length, 1], ScalarType.Int64)], 1);
            }
        }

        Report(name);
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Logits_GoldenContinuations_HaveTheExpectedLikelihoods(string name)
    {
        using var model = Load(name, out var golden);
        using var noGrad = no_grad();
        foreach (var expected in golden.GetProperty("loglikelihood").EnumerateArray())
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
            _cases++;
        }

        Report(name);
    }

    [GoldenTheory("models")]
    [MemberData(nameof(Models))]
    public void Logits_GoldenTexts_HaveTheExpectedPerplexity(string name)
    {
        using var model = Load(name, out var golden);
        using var noGrad = no_grad();
        foreach (var expected in golden.GetProperty("perplexity").EnumerateArray())
        {
            var ids = Ids([expected.GetProperty("input_ids")]);
            var count = ids.shape[1] - 1;
            var mean = nn.functional.cross_entropy(model.call(ids)[0].narrow(0, 0, count), ids[0].narrow(0, 1, count)).item<float>();
            ((double)mean).ShouldBe(expected.GetProperty("mean_nll").GetDouble(), 1e-4);
            var perplexity = expected.GetProperty("ppl").GetDouble();
            Math.Exp(mean).ShouldBe(perplexity, 1e-4 * perplexity);
            _cases++;
        }

        Report(name);
    }

    public void Dispose() => _scope.Dispose();

    private static Decoder Load(string name, out JsonElement expected)
    {
        var folder = Golden.Folder("models", name);
        expected = Golden.Json(Path.Combine(folder, "expected.json"));
        return Checkpoint.Load(folder, CPU);
    }

    private void Report(string name)
    {
        _cases.ShouldBeGreaterThan(0);
        output.WriteLine($"{name}: {_cases} cases");
    }

    private static Tensor Ids(IEnumerable<JsonElement> rows)
    {
        var all = rows.Select(row => row.Ints().Select(id => (long)id).ToArray()).ToArray();
        return tensor(all.SelectMany(row => row).ToArray(), [all.Length, all[0].Length]);
    }

    private void Near(Tensor actual, JsonElement expected, double tolerance)
    {
        var numbers = Flat(expected).ToArray();
        var values = actual.data<float>().ToArray();
        values.Length.ShouldBe(numbers.Length);
        for (var i = 0; i < numbers.Length; i++) ((double)values[i]).ShouldBe(numbers[i], tolerance, $"element {i}");
        _cases++;
    }

    private static IEnumerable<double> Flat(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray().SelectMany(Flat) : [element.GetDouble()];
}
