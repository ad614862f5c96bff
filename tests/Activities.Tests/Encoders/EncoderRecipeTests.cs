using XInstruct.Activities.Encoders;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Tests.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Tests;

namespace XInstruct.Activities.Tests.Encoders;

public sealed class EncoderRecipeTests : IDisposable
{
    private const string Encoder = "diversify:\n  encoder:\n    path: encoder\n";

    private readonly RecipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Inputs_OfAnEncoder_AreTheFilesThatAreRead()
    {
        TinyEncoder.Write(Path.Combine(_folder.Root, "encoder"), TinyEncoder.WeightsFile);
        _folder.Write("encoder/README.md", "x");
        _folder.Write("encoder/model_fp16.onnx", "x");
        RecipeInputs.Of(_folder.Load(RecipeFolder.Good + Encoder)).Select(i => i.Role).Where(r => r.StartsWith("diversify", StringComparison.Ordinal))
            .ShouldBe(["diversify.encoder/model.onnx", "diversify.encoder/weights.bin", "diversify.encoder/tokenizer.json"], ignoreOrder: true);
    }

    [Fact]
    public void Document_OfARecipe_HasTheEncodersContentAndNotItsPath()
    {
        TinyEncoder.Write(Path.Combine(_folder.Root, "encoder"));
        var recipe = _folder.Load(RecipeFolder.Good + Encoder).Recipe;
        InputContent[] before = [new("diversify.encoder/model.onnx", null, "aa", 1), new("diversify.encoder/tokenizer.json", null, "bb", 2)];
        var document = RecipeDocument.Of(recipe, before);
        document.Json.ShouldNotContain(_folder.Root);
        var other = RecipeDocument.Of(recipe, [before[0] with { Sha256 = "cc" }, before[1]]);
        other.RunId.ShouldNotBe(document.RunId);
        EncoderLibrary.Hash(other).ShouldNotBe(EncoderLibrary.Hash(document));
        other.SettingsHash.ShouldBe(document.SettingsHash);
    }

    [Fact]
    public void Document_WithoutEncoder_SaysNothingOfOne() => RecipeDocument.Of(_folder.Load(RecipeFolder.Good).Recipe, []).Json.ShouldNotContain("encoder");

    [Fact]
    public void Load_EncoderThatCannotBeUsed_IsToldBeforeTheRunStarts()
    {
        _folder.Problem(RecipeFolder.Good + Encoder).Message.ShouldContain("No folder");
        var folder = TinyEncoder.Write(Path.Combine(_folder.Root, "encoder"));
        File.WriteAllBytes(Path.Combine(folder, "model.onnx"), [8, 8, 200]);
        var problem = _folder.Problem(RecipeFolder.Good + Encoder);
        (problem.Key, problem.Line).ShouldBe(("diversify.encoder.path", 9));
        problem.Message.ShouldContain("is cut off");
        TinyEncoder.Write(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), TinyEncoder.Tokenizer().Replace("WordPiece", "WordLevel", StringComparison.Ordinal));
        _folder.Problem(RecipeFolder.Good + Encoder).Message.ShouldContain("model kind 'WordLevel' is not supported; BPE, Unigram and WordPiece are");
    }

    [Fact]
    public void Load_EncoderWithoutPath_IsAProblem() => _folder.Problem(RecipeFolder.Good + "diversify:\n  encoder:\n    pooling: cls\n").Key.ShouldBe("diversify.encoder.path");
}
