using XInstruct.Activities.Curation;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Chains;

/// <summary>A chain whose recipes can all be used.</summary>
/// <param name="Recipe">Settings; paths are absolute.</param>
/// <param name="Run">Makes the data.</param>
/// <param name="Curate">Chooses among it; null when all is taken.</param>
/// <param name="Train">Trains.</param>
/// <param name="Evaluate">Measures; it has no models yet.</param>
public sealed record LoadedChain(ChainRecipe Recipe, LoadedRecipe Run, CurationRecipe? Curate, LoadedTraining Train, EvaluationRecipe Evaluate);

/// <summary>Reads chains.</summary>
public static class ChainRecipeFile
{
    /// <summary>Reads a chain and the recipes that it names, and checks all of them with their files. Nothing is written or started.</summary>
    /// <param name="path">YAML file. Paths in it are relative to it, paths in the recipes that it names to these.</param>
    /// <param name="overrides"><c>key=value</c>, of the chain's own keys.</param>
    /// <param name="ct">Cancellation.</param>
    /// <exception cref="RecipeException">Something is wrong.</exception>
    public static async Task<LoadedChain> LoadAsync(string path, IReadOnlyList<string> overrides, CancellationToken ct)
    {
        var problems = new ProblemList();
        var (bound, binder) = RecipeFile.Bind(path, typeof(ChainRecipe), overrides, problems);
        var (recipe, folder) = ((ChainRecipe)bound, Path.GetDirectoryName(Path.GetFullPath(path))!);
        (recipe.Run, recipe.Curate, recipe.Train, recipe.Evaluate) = (Full("run", recipe.Run)!, Full("curate", recipe.Curate), Full("train", recipe.Train)!, Full("evaluate", recipe.Evaluate)!);
        recipe.Output = Full("output", recipe.Output);
        binder.Check(recipe);
        foreach (var (key, file) in new[] { ("run", recipe.Run), ("curate", recipe.Curate), ("train", recipe.Train), ("evaluate", recipe.Evaluate) })
        {
            if (file is { Length: > 0 } && RecipeFiles.FileProblem(file) is { } problem) problems.Add(binder.PlaceOf(key), key, problem);
        }

        problems.ThrowIfAny();
        var run = RecipeFile.Load(recipe.Run, []);
        var curate = recipe.Curate is { } file1 ? (CurationRecipe)(await JobRecipeFile.LoadAsync(new CurationKind(), file1, [], ct, "sources")).Recipe : null;
        var train = await TrainingRecipeFile.LoadAsync(recipe.Train, TrainingKind.Sft, [], ct);
        var evaluate = (EvaluationRecipe)(await JobRecipeFile.LoadAsync(new EvaluationKind(), recipe.Evaluate, [], ct, "models")).Recipe;
        Rule("train", train.Recipe.Data.Release is null, $"{recipe.Train} trains on a release: name its files in data.files, to which the new data is added.");
        Rule("train", train.Recipe.Data.Messages is null, $"{recipe.Train} reads messages; new data has columns instruction and output.");
        Rule("evaluate", evaluate.Models.Count == 0 && evaluate.Baseline is null, $"{recipe.Evaluate} names models: the chain's own two are evaluated. Take models and baseline out.");
        Rule("run", run.Recipe.Models.Generator.Api is null && run.Recipe.Models.Evaluator.Api is null || run.Recipe.Budget is not null, $"{recipe.Run} calls an endpoint: set its budget (budget.usd), since a chain asks for nothing on its way.");
        problems.ThrowIfAny();
        return new LoadedChain(recipe, run, curate, train, evaluate);

        string? Full(string key, string? given) => given is not { Length: > 0 } || given.Contains('\0', StringComparison.Ordinal)
            ? given
            : Path.GetFullPath(given, binder.PlaceOf(key).IsOverride ? Environment.CurrentDirectory : folder);

        void Rule(string key, bool holds, string message)
        {
            if (!holds) problems.Add(binder.PlaceOf(key), key, message);
        }
    }
}
