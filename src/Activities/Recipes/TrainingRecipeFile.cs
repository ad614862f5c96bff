using System.Text.Json;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Tables;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Recipes;

/// <summary>A training recipe that can be used.</summary>
/// <param name="Kind">What is learnt from.</param>
/// <param name="Recipe">Settings; paths are absolute.</param>
/// <param name="Path">The file as it was named.</param>
public sealed record LoadedTraining(TrainingKind Kind, TrainingRecipe Recipe, string Path);

/// <summary>Reads training recipes.</summary>
public static class TrainingRecipeFile
{
    private const int RowsToLookAt = 20;

    /// <summary>Reads a training recipe, puts overrides in, and checks it with its files. Nothing is written or started.</summary>
    /// <param name="path">YAML file. Paths in it are relative to it.</param>
    /// <param name="kind">What is learnt from.</param>
    /// <param name="overrides"><c>key=value</c>; paths in them are relative to the current folder.</param>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed.</exception>
    public static async Task<LoadedTraining> LoadAsync(string path, TrainingKind kind, IReadOnlyList<string> overrides, CancellationToken ct)
    {
        var problems = new ProblemList();
        var (bound, binder) = RecipeFile.Bind(path, typeof(TrainingRecipe), overrides, problems);
        var recipe = (TrainingRecipe)bound;
        Resolve(recipe, Path.GetDirectoryName(Path.GetFullPath(path))!, binder);
        binder.Check(recipe);
        Rules(recipe, kind, binder, problems);
        await FilesAsync(recipe, kind, binder, problems, ct);
        problems.ThrowIfAny();
        return new LoadedTraining(kind, recipe, path);
    }

    private static void Resolve(TrainingRecipe recipe, string folder, RecipeBinder binder)
    {
        recipe.Model.Path = Full("model.path", recipe.Model.Path);
        recipe.Data.Release = Full("data.release", recipe.Data.Release);
        recipe.Data.Files = [.. recipe.Data.Files.Select(file => Full("data.files", file)!)];
        recipe.Evaluation.Files = [.. recipe.Evaluation.Files.Select(file => Full("evaluation.files", file)!)];
        recipe.Output = Full("output", recipe.Output);

        string? Full(string key, string? path) => path is not { Length: > 0 } || path.Contains('\0', StringComparison.Ordinal)
            ? path
            : Path.GetFullPath(path, binder.PlaceOf(key).IsOverride ? Environment.CurrentDirectory : folder);
    }

    private static void Rules(TrainingRecipe recipe, TrainingKind kind, RecipeBinder binder, ProblemList problems)
    {
        var (model, data, isDpo) = (recipe.Model, recipe.Data, kind == TrainingKind.Dpo);
        Rule("model", model.Path is null != model.Fresh is null, "Say where the model is (model.path), or what a new one is to be (model.fresh), and not both.");
        Rule("model.fresh", model.Fresh is null || recipe.Method == TuningMethod.Full, "Random weights are trained as a whole: method full.");
        Rule("model.fresh", model.Fresh is null || !(data.Chat || data.Messages is not null), "A new model has no chat template: data.chat and data.messages need one.");
        if (model.Fresh?.Shape is { } shape) Rule("model.fresh.shape.hidden", shape.Hidden % (2 * shape.Heads) == 0, $"Must be a multiple of twice the heads ({2 * shape.Heads}); {shape.Hidden} is not.");
        Rule("model.compute", model.Compute != ComputeType.Float16 || recipe.Device != ComputeDevice.Cpu, "float16 is for a GPU. bfloat16 trains on both.");
        Rule("data", data.Files.Count > 0 != data.Release is not null, "Name files to learn from (data.files), or a run's release (data.release), and not both.");
        Rule("data.release", data.Release is null || !isDpo, "A release has no preferences: 'train dpo' needs data.files.");
        Rule("data.messages", data.Messages is null || !isDpo, "'train dpo' learns from columns data.chosen and data.rejected.");
        if (data.Messages is null) Prompt(data.Prompt);
        Rule("adapter.targets", recipe.Adapter.Targets.Count > 0, "Name at least one kind of layer, e.g. [q_proj, v_proj], or [all-linear].");
        Rule("preference.labelSmoothing", recipe.Preference.LabelSmoothing == 0 || recipe.Preference.Loss is PreferenceForm.Sigmoid or PreferenceForm.Robust, "Only of sigmoid and robust.");
        Rule("batch.pack", !recipe.Batch.Pack || !isDpo, "Pairs of 'train dpo' are not packed.");
        var holdsOut = recipe.Evaluation.Share > 0 || recipe.Evaluation.Files.Count > 0;
        Rule("evaluation.patience", recipe.Evaluation.Patience == 0 || holdsOut, "Needs rows held out: set evaluation.share or evaluation.files.");

        void Rule(string key, bool holds, string message)
        {
            if (!holds && !problems.Has(key)) problems.Add(binder.PlaceOf(key), key, message);
        }

        void Prompt(string template)
        {
            try
            {
                PromptTemplate.Parse(template);
            }
            catch (FormatException e)
            {
                Rule("data.prompt", false, e.Message);
            }
        }
    }

    private static async Task FilesAsync(TrainingRecipe recipe, TrainingKind kind, RecipeBinder binder, ProblemList problems, CancellationToken ct)
    {
        if (recipe.Model.Path is { } model && !problems.Has("model") && (RecipeFiles.ModelProblem(model) ?? Layers(recipe, model)) is { } problem)
            Add(problem.StartsWith("No linear layer", StringComparison.Ordinal) ? "adapter.targets" : "model.path", problem);
        if (problems.Has("data")) return;
        foreach (var (key, file) in recipe.Data.Files.Select(f => ("data.files", f)).Concat(recipe.Evaluation.Files.Select(f => ("evaluation.files", f))))
            await RowsAsync(key, file);
        if (recipe.Data.Release is not { } release) return;
        if (!File.Exists(Path.Combine(release, "manifest.json"))) Add("data.release", $"{release} is no release: it has no manifest.json.{(Directory.Exists(release) ? "" : RecipeFiles.Neighbour(release))}");
        else foreach (var file in ReleaseManifest.Read(release).Files) await RowsAsync("data.release", Path.Combine(release, file.Name));

        void Add(string key, string message) => problems.Add(binder.PlaceOf(key), key, message);

        async Task RowsAsync(string key, string file)
        {
            if (!File.Exists(file))
            {
                Add(key, $"No file {file}.{RecipeFiles.Neighbour(file)}");
                return;
            }

            try
            {
                var rows = 0;
                await foreach (var row in TableReader.ReadAsync(file, new TableReadOptions(100_000_000), ct))
                {
                    if (++rows > RowsToLookAt) return;
                    if (recipe.Data.Messages is null) _ = ExampleBuilder.Texts(row, recipe, kind, file).Count();
                }

                if (rows == 0) Add(key, $"{file} has no row.");
            }
            catch (Exception e) when (e is TrainingDataException or IOException or UnauthorizedAccessException)
            {
                Add(key, e.Message);
            }
        }
    }

    private static string? Layers(TrainingRecipe recipe, string model)
    {
        if (recipe.Data.Chat || recipe.Data.Messages is not null)
        {
            if (TokenizerConfig.Load(model).ChatTemplates.Count == 0) return $"{model} has no chat template, which data.chat and data.messages need.";
        }

        if (recipe.Method == TuningMethod.Full || recipe.Adapter.Targets is ["all-linear"]) return null;
        var layers = DecoderConfig.Load(model).LinearLayers;
        return recipe.Adapter.Targets.FirstOrDefault(target => !layers.Any(layer => layer == target || layer.EndsWith("." + target, StringComparison.Ordinal))) is { } unknown
            ? $"No linear layer is named {unknown}. There are: {string.Join(", ", layers.Select(layer => layer.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal))}."
            : null;
    }
}
