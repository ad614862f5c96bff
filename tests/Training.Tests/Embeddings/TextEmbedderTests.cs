using TorchSharp;
using XInstruct.Training.Embeddings;

namespace XInstruct.Training.Tests.Embeddings;

public sealed class TextEmbedderTests
{
    private static readonly int[][] Texts = [[4, 5, 6], [7], [8, 9, 10, 11, 12], [4, 5]];

    [Fact]
    public void Embed_Batch_IsTheMeanOfEachTextsHiddenStates()
    {
        using var model = TestModels.Tiny();
        var vectors = TextEmbedder.Embed(model, Texts, normalize: false);
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        for (var i = 0; i < Texts.Length; i++)
        {
            var ids = torch.tensor(Texts[i].Select(id => (long)id).ToArray(), [1, Texts[i].Length]);
            var expected = model.Hidden(ids).mean([1]).data<float>().ToArray();
            for (var j = 0; j < expected.Length; j++)
                vectors[i][j].ShouldBe(expected[j], 1e-5f);
        }
    }

    [Fact]
    public void Embed_Normalized_HasNormOne()
    {
        using var model = TestModels.Tiny();
        TextEmbedder.Embed(model, Texts).ShouldAllBe(vector => Math.Abs(vector.Sum(value => value * value) - 1) < 1e-5);
    }

    [Fact]
    public void Embed_EmptyText_Throws()
    {
        using var model = TestModels.Tiny();
        Should.Throw<ArgumentException>(() => TextEmbedder.Embed(model, [[1], []]));
    }
}
