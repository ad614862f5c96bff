using System.Text;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>A recipe that can be run.</summary>
/// <param name="Recipe">Settings; paths are absolute, <c>{lang}</c> still stands in them.</param>
/// <param name="Path">The recipe file as it was named.</param>
/// <param name="Folder">Full path of the folder it lies in.</param>
public sealed record LoadedRecipe(Recipe Recipe, string Path, string Folder)
{
    /// <summary>
    /// What is wrong with the truth's files (a run is the same without a truth; only its report lacks precision and accuracy), and what is allowed but
    /// may be a mistake.
    /// </summary>
    public IReadOnlyList<RecipeProblem> Warnings { get; init; } = [];

    /// <summary>Full path of a language's file.</summary>
    public static string PathFor(string path, string language) => PathKey.For(path, language);
}

/// <summary>Reads recipe files.</summary>
public static class RecipeFile
{
    /// <summary>Reads a recipe, puts overrides in, and checks it with its files. Nothing is written or started.</summary>
    /// <param name="path">YAML file. Paths in it are relative to it.</param>
    /// <param name="overrides"><c>key=value</c>: dotted keys, YAML values. Paths in them are relative to the current folder.</param>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed.</exception>
    public static LoadedRecipe Load(string path, IReadOnlyList<string> overrides)
    {
        var problems = new ProblemList();
        var (bound, binder) = Bind(path, typeof(Recipe), overrides, problems);
        var recipe = (Recipe)bound;
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        RecipePaths.Resolve(recipe, folder, binder);
        binder.Check(recipe);
        new RecipeRules(binder, problems).Check(recipe);
        new RecipeFiles(binder, problems).Check(recipe);
        problems.ThrowIfAny();
        var warnings = new ProblemList();
        var files = new RecipeFiles(binder, warnings);
        files.CheckTruth(recipe);
        files.Advise(recipe);
        return new LoadedRecipe(recipe, path, folder) { Warnings = warnings.InOrder() };
    }

    /// <summary>Reads a recipe of some type and puts overrides in; what its types' annotations say is not checked yet.</summary>
    /// <exception cref="RecipeException">It is no YAML of a recipe.</exception>
    internal static (object Recipe, RecipeBinder Binder) Bind(string path, Type type, IReadOnlyList<string> overrides, ProblemList problems)
    {
        var start = new Place(path, 1, 1);
        var text = Read(path, start, problems);
        problems.ThrowIfAny();
        var root = RecipeYaml.Parse(text, path, false, problems) ?? new MapNode(start, []);
        if (root is not MapNode && root is not ScalarNode { IsNull: true }) problems.Add(root.Place, "", "A recipe is a mapping of keys to values. 'xinstruct recipe new' writes one.");
        problems.ThrowIfAny();
        var map = root as MapNode ?? new MapNode(start, []);
        RecipeOverrides.PutAll(map, type, overrides, problems);
        var binder = new RecipeBinder(start, type, problems);
        return (binder.Bind(map), binder);
    }

    private static string Read(string path, Place start, ProblemList problems)
    {
        try
        {
            if (new FileInfo(path).Length > 4 * RecipeYaml.MaxLength) problems.Add(start, "", "Too large; this is no recipe.");
            else return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            problems.Add(start, "", "Not UTF-8.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(start, "", $"The recipe cannot be read: {e.Message}");
        }

        return "";
    }
}
