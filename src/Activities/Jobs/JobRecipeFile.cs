using XInstruct.Activities.Recipes;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Jobs;

/// <summary>A job's recipe that can be used.</summary>
/// <param name="Kind">What kind of job it is.</param>
/// <param name="Recipe">Settings; paths are absolute.</param>
/// <param name="Path">The file as it was named.</param>
public sealed record LoadedJob(JobKind Kind, JobRecipe Recipe, string Path);

/// <summary>Where a kind of job says what is wrong with a recipe.</summary>
public sealed class RecipeCheck
{
    private readonly RecipeBinder _binder;
    private readonly ProblemList _problems;

    internal RecipeCheck(RecipeBinder binder, ProblemList problems) => (_binder, _problems) = (binder, problems);

    /// <summary>Adds a problem at the place of a key, e.g. <c>sources.0.columns</c>.</summary>
    public void Add(string key, string message) => _problems.Add(_binder.PlaceOf(key), key, message);

    /// <summary>Adds a problem unless something holds, or the key has a problem already.</summary>
    public void Require(bool holds, string key, string message)
    {
        if (!holds && !Has(key)) Add(key, message);
    }

    internal void Rule(string key, bool holds, string message) => Require(holds, key, message);

    /// <summary>Whether a key, or something below or above it, has a problem already.</summary>
    public bool Has(string key) => _problems.Has(key);
}

/// <summary>Reads jobs' recipes.</summary>
public static class JobRecipeFile
{
    /// <summary>Reads a recipe, puts overrides in, and checks it with its files. Nothing is written or started.</summary>
    /// <param name="kind">Whose recipe it is.</param>
    /// <param name="path">YAML file. Paths in it are relative to it.</param>
    /// <param name="overrides"><c>key=value</c>; paths in them are relative to the current folder.</param>
    /// <param name="ct">Cancellation.</param>
    /// <param name="later">Keys that are filled in later, so that nothing is amiss when they are not there.</param>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed.</exception>
    public static async Task<LoadedJob> LoadAsync(JobKind kind, string path, IReadOnlyList<string> overrides, CancellationToken ct, params string[] later)
    {
        ArgumentNullException.ThrowIfNull(kind);
        var problems = new ProblemList();
        var (bound, binder) = RecipeFile.Bind(path, kind.NewRecipe().GetType(), overrides, problems);
        var (recipe, folder) = ((JobRecipe)bound, Path.GetDirectoryName(Path.GetFullPath(path))!);
        foreach (var place in InputPlace.Of(recipe)) place.Set(Full(place.Key, place.Path));
        if (recipe.Output is { Length: > 0 } output) recipe.Output = Full("output", output);
        binder.Check(recipe);
        foreach (var place in InputPlace.Of(recipe).Where(p => !problems.Has(p.Key)))
        {
            if (place.Problem() is { } problem) problems.Add(binder.PlaceOf(place.Key), place.Key, problem);
        }

        foreach (var (key, api) in JobEndpoints.Options(recipe)) RecipeRules.Api(key, api, (recipe as ModelJobRecipe)?.Budget, new RecipeCheck(binder, problems).Rule);
        await kind.CheckRecipeAsync(recipe, new RecipeCheck(binder, problems), ct);
        problems.Forgive(later.Where(key => !binder.IsWritten(key)));
        problems.ThrowIfAny();
        return new LoadedJob(kind, recipe, path);

        string Full(string key, string given) => given.Contains('\0', StringComparison.Ordinal) ? given : Path.GetFullPath(given, binder.PlaceOf(key).IsOverride ? Environment.CurrentDirectory : folder);
    }
}
