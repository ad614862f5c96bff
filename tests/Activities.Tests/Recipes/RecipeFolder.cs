using XInstruct.Activities.Recipes;
using XInstruct.Training.Checkpoints;
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
    public string WriteModel(string name, int? vocabulary = null)
    {
        var folder = Path.Combine(Root, name);
        var tokenizer = ByteLevelBpeTrainer.Train(["a small text"], 300, ["<|pad|>", "<|end|>"]);
        tokenizer.Save(folder);
        using var model = new Decoder(DecoderConfig.Llama(vocabulary ?? tokenizer.Size, 8, 1, 2, 8, 0.02, 1, 0));
        Checkpoint.Save(model, folder);
        File.Delete(Path.Combine(folder, "generation_config.json"));
        return folder;
    }

    public LoadedRecipe Load(string yaml, params string[] overrides) => RecipeFile.Load(Write("recipe.yaml", yaml), overrides);

    /// <summary>Problems of a recipe that must not load.</summary>
    public IReadOnlyList<RecipeProblem> Problems(string yaml, params string[] overrides) =>
        Should.Throw<RecipeException>(() => Load(yaml, overrides)).Problems;

    /// <summary>The only problem of a recipe.</summary>
    public RecipeProblem Problem(string yaml, params string[] overrides) => Problems(yaml, overrides).ShouldHaveSingleItem();
}
