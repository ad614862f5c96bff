using XInstruct.Activities.Encoders;
using XInstruct.Activities.Tuning;

namespace XInstruct.Activities.Recipes;

/// <summary>A file that a run reads.</summary>
/// <param name="Role">corpus, seeds, seeds.alignWith, models.generator.base/config.json, diversify.encoder/model.onnx, …</param>
/// <param name="Language">Language of the file; null when one file serves all.</param>
/// <param name="FullPath">Where it lies.</param>
public sealed record InputFile(string Role, string? Language, string FullPath);

/// <summary>Lists the input files of a recipe. The truth is none: the pipeline never reads it.</summary>
public static class RecipeInputs
{
    // Of a model's folder: weights, their index, configuration, tokenizer, chat template. A second copy of the weights in another format is none of these.
    private static readonly string[] ModelFiles = [".safetensors", ".json", ".model", ".jinja"];

    /// <summary>What is read of a model folder, by name.</summary>
    public static IEnumerable<string> FilesOfModel(string folder) => Directory.EnumerateFiles(folder)
        .Where(f => ModelFiles.Contains(Path.GetExtension(f)) && !Path.GetFileName(f).StartsWith('.') && Path.GetFileName(f) != TrainingCard.FileName)
        .Order(StringComparer.Ordinal);

    /// <summary>Input files by role, then language as in the recipe, then name.</summary>
    public static IReadOnlyList<InputFile> Of(LoadedRecipe loaded)
    {
        var recipe = loaded.Recipe;
        var files = new List<InputFile>();
        foreach (var key in PathKey.Files.Where(k => !k.IsTruth))
        {
            if (key.Get(recipe) is not { } path) continue;
            var role = key.Key.EndsWith(".path", StringComparison.Ordinal) ? key.Key[..^".path".Length] : key.Key;
            if (PathKey.IsPerLanguage(path)) files.AddRange(recipe.Languages.Select(l => new InputFile(role, l, PathKey.For(path, l))));
            else files.Add(new InputFile(role, null, path));
        }

        foreach (var key in PathKey.Folders)
        {
            if (key.Get(recipe) is not { } folder) continue;
            files.AddRange(FilesOfModel(folder).Select(f => new InputFile($"{key.Key}/{Path.GetFileName(f)}", null, f)));
        }

        if (PathKey.Encoder.Get(recipe) is { } encoder)
        {
            files.AddRange(EncoderFolder.Files(encoder).Select(f => new InputFile($"diversify.encoder/{Path.GetFileName(f)}", null, f)));
        }

        return files;
    }
}
