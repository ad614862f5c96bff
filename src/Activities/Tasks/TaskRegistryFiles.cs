using System.Reflection;
using System.Text;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Tasks;

/// <summary>Task registries: those that ship with XInstruct, by name, and users' files.</summary>
public static class TaskRegistryFiles
{
    private const string Prefix = "registries.";

    /// <summary>Names of the registries that ship: korani, korani-en, lml.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal)];

    /// <summary>Registries that ship, as inputs of a job.</summary>
    /// <exception cref="TaskRegistryException">No registry of a name ships.</exception>
    internal static IEnumerable<ShippedInput> Inputs(IEnumerable<string> names) => names.Distinct(StringComparer.Ordinal).Select(name => new ShippedInput(Role(name), Text(name)));

    /// <summary>SHA-256 of a registry that a job was started with; null of a job from before they were inputs.</summary>
    internal static string? Hash(JobContext job, string name) => job.Has(Role(name)) ? job.Hash(Role(name)) : null;

    /// <summary>The data sets of registries that a job was started with, and of files, together. A job from before they were inputs reads those that ship now.</summary>
    internal static TaskCatalogue Load(JobContext job, IEnumerable<string> shipped, IEnumerable<(string Path, string Name)> files) =>
        Load(shipped, files, name => job.Has(Role(name)) ? Text(job.Input(Role(name)), $"{name}.yaml", "task registry") : Text(name));

    /// <summary>The data sets of shipped registries and of files, together.</summary>
    /// <param name="shipped">Names of registries that ship.</param>
    /// <param name="files">Files of a user: where their bytes are, and what errors call them.</param>
    /// <exception cref="RecipeException">Something is wrong in a file; all of it is listed with line and key.</exception>
    /// <exception cref="TaskRegistryException">No registry of that name ships, or two registries have the same data set.</exception>
    public static TaskCatalogue Load(IEnumerable<string> shipped, IEnumerable<(string Path, string Name)> files) => Load(shipped, files, Text);

    private static TaskCatalogue Load(IEnumerable<string> shipped, IEnumerable<(string Path, string Name)> files, Func<string, string> textOf)
    {
        ArgumentNullException.ThrowIfNull(shipped);
        ArgumentNullException.ThrowIfNull(files);
        var all = new List<TaskRegistry>();
        foreach (var name in shipped) all.Add(Parse(textOf(name), $"{name}.yaml", all));
        foreach (var (path, name) in files) all.Add(Parse(Text(path, name, "task registry"), name, all));
        return new TaskCatalogue(all);
    }

    /// <summary>The registry of a YAML text.</summary>
    /// <param name="yaml">Text.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="others">Registries used beside it, whose clusters it may name.</param>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed with line and key.</exception>
    public static TaskRegistry Parse(string yaml, string name, IReadOnlyList<TaskRegistry> others)
    {
        var problems = new ProblemList();
        var root = RecipeYaml.Parse(yaml, name, false, problems);
        problems.ThrowIfAny();
        if (root is not MapNode map) throw new RecipeException([new RecipeProblem(name, 1, 1, "", "A task registry is a mapping of keys to values: name, clusters, datasets.")]);
        var binder = new RecipeBinder(new Place(name, 1, 1), typeof(TaskRegistry), problems);
        var registry = (TaskRegistry)binder.Bind(map);
        binder.Check(registry);
        if (problems.Count == 0)
        {
            foreach (var (key, message) in TaskRegistryRules.Problems(registry, others)) problems.Add(binder.PlaceOf(key), key, message);
        }

        problems.ThrowIfAny();
        return registry;
    }

    private static string Role(string name) => $"shipped/registries/{name}";

    private static string Text(string shipped)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + shipped)
            ?? throw new TaskRegistryException($"No task registry '{shipped}' ships with XInstruct. Did you mean '{RecipeKey.Nearest(shipped, Names)}'? There are: {string.Join(", ", Names)}.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>The text of a user's file.</summary>
    /// <param name="path">Where its bytes are.</param>
    /// <param name="name">What errors call it.</param>
    /// <param name="what">What it should be.</param>
    /// <exception cref="RecipeException">It is too large, or no UTF-8.</exception>
    internal static string Text(string path, string name, string what)
    {
        if (new FileInfo(path).Length > RecipeYaml.MaxLength) throw new RecipeException([new RecipeProblem(name, 1, 1, "", $"Larger than {RecipeYaml.MaxLength} bytes; this is no {what}.")]);
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new RecipeException([new RecipeProblem(name, 1, 1, "", "Not UTF-8.")]);
        }
    }
}
