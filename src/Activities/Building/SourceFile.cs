using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>A file that rows are read from.</summary>
/// <param name="Role">Role of its bytes among the job's inputs.</param>
/// <param name="Name">What reports call it.</param>
/// <param name="Source">Its source in the recipe.</param>
/// <param name="Split">What its rows are for.</param>
/// <param name="Template">Template of its rows, where its name says it.</param>
internal sealed record SourceFile(string Role, string Name, BuildSource Source, DataSplit Split, string Template)
{
    /// <summary>The files of a job, in order.</summary>
    public static IReadOnlyList<SourceFile> Of(JobContext<BuildRecipe> job) => Of(job.Recipe, job.Names);

    /// <summary>The files of a recipe, in order.</summary>
    /// <param name="recipe">Recipe.</param>
    /// <param name="names">Names of the files of a folder, relative to it, by the folder's key.</param>
    public static IReadOnlyList<SourceFile> Of(BuildRecipe recipe, Func<string, IReadOnlyList<string>> names) =>
        [.. recipe.Sources.SelectMany((source, i) => Of(source, FormattableString.Invariant($"sources.{i}"), names))];

    private static IEnumerable<SourceFile> Of(BuildSource source, string key, Func<string, IReadOnlyList<string>> names)
    {
        var name = source.Name ?? source.Dataset ?? key;
        if (source.Folder is null) return [new SourceFile($"{key}.path", name, source, source.Split, "")];
        return names($"{key}.folder")
            .Where(TaskFiles.IsTable)
            .Order(StringComparer.Ordinal)
            .Select(file => new SourceFile($"{key}.folder/{file}", $"{name}/{file}", source, SplitOf(file), TemplateOf(file)));
    }

    private static DataSplit SplitOf(string file)
    {
        var name = Path.GetFileName(file);
        return name.Contains("train", StringComparison.OrdinalIgnoreCase) ? DataSplit.Train
            : name.Contains("dev", StringComparison.OrdinalIgnoreCase) || name.Contains("valid", StringComparison.OrdinalIgnoreCase) ? DataSplit.Dev
            : DataSplit.Test;
    }

    // test_tmp0.csv: a file for each template.
    private static string TemplateOf(string file)
    {
        var stem = Path.GetFileName(file).Split('.')[0];
        var at = stem.IndexOf('_', StringComparison.Ordinal);
        return at < 0 ? "" : stem[(at + 1)..];
    }
}
