using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Tuning;

/// <summary>The model that a training starts from, as a stored folder.</summary>
internal static class BaseModels
{
    /// <summary>Hash of the folder's tree.</summary>
    public static async Task<string> StoreAsync(TrainingDocument document, IReadOnlyList<SourceRow> rows, FileStore files, CancellationToken ct)
    {
        var folder = files.NewFolder();
        if (document.Recipe.Model.Fresh is { } fresh)
        {
            await Task.Run(() => Make(document, fresh, rows, folder), ct);
            return await files.PutTreeAsync(folder, ct);
        }

        foreach (var file in document.Under("model")) File.Copy(files.Blob(file.Sha256), Path.Combine(folder, file.Role["model/".Length..]));
        return await files.PutTreeAsync(folder, ct);
    }

    /// <summary>Copies what a model folder has beside its weights: tokenizer and chat template.</summary>
    public static void CopyTexts(string from, string to)
    {
        foreach (var file in RecipeInputs.FilesOfModel(from))
        {
            var name = Path.GetFileName(file);
            if (name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".safetensors.index.json", StringComparison.Ordinal) || File.Exists(Path.Combine(to, name))) continue;
            File.Copy(file, Path.Combine(to, name));
        }
    }

    private static void Make(TrainingDocument document, FreshModelOptions fresh, IReadOnlyList<SourceRow> rows, string folder)
    {
        var texts = rows.SelectMany(row => ExampleBuilder.Texts(row.Row, document.Recipe, document.Kind, row.Source)).ToList();
        var tokenizer = ByteLevelBpeTrainer.Train(texts, fresh.Vocabulary, ModelPrompt.SpecialTokens);
        var config = DecoderConfig.Llama(
            tokenizer.Size, fresh.Shape.Hidden, fresh.Shape.Layers, fresh.Shape.Heads, fresh.Shape.Intermediate, fresh.Shape.InitStd,
            tokenizer.SpecialId(ModelPrompt.End), tokenizer.SpecialId(ModelPrompt.SpecialTokens[0]));
        using var decoder = Decoder.Random(config, DeterministicRandom.SeedOf($"init/{document.Recipe.Seed}"));
        Checkpoint.Save(decoder, folder);
        tokenizer.Save(folder);
    }
}
