using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>An input file by its role.</summary>
public sealed record InputFile(string Role, string? Language, string FullPath);

/// <summary>The files that decide a run's result.</summary>
public static class RecipeInputs
{
    /// <summary>Corpus, seeds, labels and base models of a recipe.</summary>
    public static IReadOnlyList<InputFile> Of(LoadedRecipe loaded)
    {
        var recipe = loaded.Recipe;
        var files = new List<InputFile>();
        void Add(string role, string? path)
        {
            if (path is not null) files.AddRange(RecipeChecks.Expand(path, recipe.Languages).Select(f => new InputFile(role, f.Language, f.Path)));
        }

        Add("corpus", recipe.Corpus.Path);
        Add("seeds", recipe.Seeds.Path);
        Add("seeds.alignWith", recipe.Seeds.AlignWith);
        foreach (var (role, model) in new[] { ("generator", recipe.Models.Generator), ("evaluator", recipe.Models.Evaluator), ("student", recipe.Models.Student) })
        {
            if (model.Base is null) continue;
            files.AddRange(Directory.GetFiles(model.Base).Order(StringComparer.Ordinal)
                .Select(f => new InputFile($"models.{role}.base/{Path.GetFileName(f)}", null, f)));
        }

        return files;
    }
}
