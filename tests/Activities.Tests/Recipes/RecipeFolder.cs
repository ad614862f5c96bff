using XInstruct.Activities.Recipes;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tests.Recipes;

/// <summary>A folder with a small recipe and its files.</summary>
public sealed class RecipeFolder : IDisposable
{
    public const string Good = """
        name: small
        languages: [sw, th]
        corpus:
          path: corpus/{lang}.jsonl
        seeds:
          path: seeds/{lang}.jsonl

        """;

    public RecipeFolder()
    {
        foreach (var language in new[] { "sw", "th", "hi" })
        {
            Write($"corpus/{language}.jsonl", """{"id":"1","text":"x"}""" + "\n" + """{"id":"2","text":"y"}""" + "\n");
            Write($"seeds/{language}.jsonl", """{"instruction":"i","output":"o"}""" + "\n");
        }
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("xi-recipe-").FullName;

    public void Dispose() => Directory.Delete(Root, true);

    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>A model folder that is whole as far as it can be told without reading a tensor.</summary>
    public string WriteModel(string name)
    {
        var folder = Path.Combine(Root, name);
        var tokenizer = ByteLevelBpeTrainer.Train(["a small text"], 300, ["<|pad|>", "<|end|>"]);
        tokenizer.Save(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), DecoderConfig.Llama(tokenizer.Size, 8, 1, 2, 8, 0.02, 1, 0).ToJson());
        byte[] header = [.. """{"model.norm.weight":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}"""u8];
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), [(byte)header.Length, 0, 0, 0, 0, 0, 0, 0, .. header, .. new byte[32]]);
        return folder;
    }

    public LoadedRecipe Load(string yaml, params string[] overrides) => RecipeFile.Load(Write("recipe.yaml", yaml), overrides);

    /// <summary>Problems of a recipe that must not load.</summary>
    public IReadOnlyList<RecipeProblem> Problems(string yaml, params string[] overrides) =>
        Should.Throw<RecipeException>(() => Load(yaml, overrides)).Problems;

    /// <summary>The only problem of a recipe.</summary>
    public RecipeProblem Problem(string yaml, params string[] overrides) => Problems(yaml, overrides).ShouldHaveSingleItem();
}
