using TorchSharp;
using XInstruct.Domain.Probing;
using XInstruct.Training.Models;
using XInstruct.Training.Probing;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Tests.Probing;

public sealed class LogitLensTests
{
    private static readonly TextTokenizer Tokenizer = ByteLevelBpeTrainer.Train([.. Enumerable.Repeat("good bad hyvä paha good bad", 5)], 300, []);

    // Of unequal length, so that batches have padding.
    private static readonly int[][] Prompts = [[5, 9, 40, 7], [3, 60, 61, 62, 63, 64, 65, 66, 99], [12]];

    [Theory]
    [InlineData("llama_gqa")]
    [InlineData("mistral_swa")]
    [InlineData("gemma")]
    [InlineData("qwen2")]
    [InlineData("gpt_neox")]
    public void Look_EveryFamily_IsWhatNormAndHeadSayOfEachLayersOutput(string family)
    {
        using var model = TestModels.Golden(family);
        var lens = new LogitLens(Tokenizer, ["good", "bad"], ["hyvä", "paha"]);
        var (english, local) = (new LabelScorer(Tokenizer, ["good", "bad"]).IdSets, new LabelScorer(Tokenizer, ["hyvä", "paha"]).IdSets);
        var seen = lens.Look(model, [.. Prompts.Select((prompt, i) => new LensRequest(prompt, i % 2))], batchTokens: 1000);
        model.eval();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (var p = 0; p < Prompts.Length; p++)
        {
            seen[p].Count.ShouldBe(model.Config.Layers);
            var input = tensor([.. Prompts[p].Select(id => (long)id)], [1, Prompts[p].Length]);
            var states = model.HiddenStates(input);
            for (var layer = 1; layer <= model.Config.Layers; layer++)
            {
                var last = states[layer][0, -1];
                var logits = layer == model.Config.Layers ? model.forward(input)[0, -1] : model.Logits(Norm(model, last));
                var probabilities = logits.to_type(ScalarType.Float64).softmax(-1).data<double>().ToArray();
                var values = seen[p][layer - 1];
                values.GoldEnglish.ShouldBe(Sum(english[p % 2]), 1e-6);
                values.GoldLocal!.Value.ShouldBe(Sum(local[p % 2]), 1e-6);
                values.AllEnglish.ShouldBe(Sum(english[0].Union(english[1])), 1e-6);
                values.AllLocal!.Value.ShouldBe(Sum(local[0].Union(local[1])), 1e-6);
                values.Entropy.ShouldBe(-probabilities.Sum(x => x * Math.Log2(x)), 1e-4);
                double Sum(IEnumerable<int> ids) => ids.Sum(id => probabilities[id]);
            }
        }
    }

    [Fact]
    public void Look_EnglishItself_HasNoOtherLabels()
    {
        using var model = TestModels.Tiny(vocabulary: Tokenizer.Size);
        var values = new LogitLens(Tokenizer, ["good", "bad"], ["good", "bad"]).Look(model, [new LensRequest([1, 2], 0)])[0];
        values.ShouldAllBe(v => v.GoldLocal == null && v.AllLocal == null && v.AllEnglish >= v.GoldEnglish && v.GoldEnglish > 0);
    }

    [Fact]
    public void Drops_LabelWithoutTokensOrWithSharedOnes_SaysWhich()
    {
        // Byte-level vocabularies have a token for everything.
        var lens = new LogitLens(Tokenizer, ["good", "bad"], ["gut", "hyvä"]);
        lens.Drops(0).ShouldBe("shared-ids");
        lens.Drops(1).ShouldBeNull();
        lens.Ambiguous.ShouldBeGreaterThan(0);
        var pieces = TextTokenizer.Parse(Tokenizers.TinyTokenizers.All["unigram"]);
        var known = Enumerable.Range('a', 26).Select(c => ((char)c).ToString()).Where(c => pieces.FindId(c) is not null).ToList();
        known.Count.ShouldBeGreaterThan(1);
        new LogitLens(pieces, known[..2], ["漢", known[0]]).Drops(0).ShouldBe("no-ids");
        new LogitLens(pieces, known[..2], ["漢", known[0]]).Drops(1).ShouldBeNull();
    }

    [Fact]
    public void LayerMeans_PaddedBatch_AreMeansOverEachPromptsOwnTokens()
    {
        using var model = TestModels.Golden("mistral_swa");
        var means = LayerMeans.Of(model, Prompts, batchTokens: 1000);
        means.Length.ShouldBe(model.Config.Layers + 1);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        for (var p = 0; p < Prompts.Length; p++)
        {
            var states = model.HiddenStates(tensor([.. Prompts[p].Select(id => (long)id)], [1, Prompts[p].Length]));
            for (var layer = 0; layer < means.Length; layer++)
            {
                var all = states[layer].to_type(ScalarType.Float64).contiguous().data<double>().ToArray();
                var width = model.Config.HiddenSize;
                means[layer][p].Length.ShouldBe(width);
                for (var d = 0; d < width; d++)
                    ((double)means[layer][p][d]).ShouldBe(Enumerable.Range(0, Prompts[p].Length).Average(t => all[(t * width) + d]), 1e-4);
            }
        }
    }

    [Fact]
    public void Look_EmptyPrompt_IsRefused()
    {
        using var model = TestModels.Tiny(vocabulary: Tokenizer.Size);
        Should.Throw<ArgumentException>(() => new LogitLens(Tokenizer, ["good", "bad"], ["hyvä", "paha"]).Look(model, [new LensRequest([], 0)]));
    }

    // By the checkpoint's own numbers, in another way than the product.
    private static Tensor Norm(Decoder model, Tensor state)
    {
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter, StringComparer.Ordinal);
        var x = state.to_type(ScalarType.Float64);
        if (parameters.TryGetValue("gpt_neox.final_layer_norm.weight", out var weight))
        {
            x -= x.mean();
            return ((x / (x.square().mean() + model.Config.NormEpsilon).sqrt() * weight.to_type(ScalarType.Float64)) + parameters["gpt_neox.final_layer_norm.bias"].to_type(ScalarType.Float64)).to_type(ScalarType.Float32);
        }

        weight = parameters["model.norm.weight"];
        var scale = model.Config.Family == "gemma" ? weight.to_type(ScalarType.Float64) + 1 : weight.to_type(ScalarType.Float64);
        return (x / (x.square().mean() + model.Config.NormEpsilon).sqrt() * scale).to_type(ScalarType.Float32);
    }
}
