using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Evaluation;

/// <summary>One file of a task in one language.</summary>
/// <param name="Entry">Place of the task in the recipe.</param>
/// <param name="Task">The task.</param>
/// <param name="Words">The registry's words for it; null when the task file has them.</param>
/// <param name="Name">Name of the task in tables.</param>
/// <param name="Language">Language of the file.</param>
/// <param name="File">Its name in the task's folder.</param>
/// <param name="Cluster">What its mean goes into.</param>
/// <param name="Dataset">Data set, where the task has several.</param>
/// <param name="Template">Template, where a data set has several.</param>
internal sealed record TaskUnit(int Entry, EvaluationTask Task, TaskDataset? Words, string Name, string Language, string File, string Cluster, string? Dataset = null, string? Template = null)
{
    /// <summary>The file of a language.</summary>
    public static string FileOf(string pattern, string language) => pattern.Replace("{lang}", language, StringComparison.Ordinal);
}

/// <summary>What a recipe asks for, file by file.</summary>
internal static class TaskUnits
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    /// <summary>The files of one task in the recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="entry">Place of the task in it.</param>
    /// <param name="task">The task.</param>
    /// <param name="words">The registry's words for it.</param>
    /// <param name="files">Names of the files in its folder, with / between folders.</param>
    /// <exception cref="JobException">A file, cluster or data set is not there; the message lists those that are.</exception>
    public static IReadOnlyList<TaskUnit> Of(EvaluationRecipe recipe, int entry, EvaluationTask task, TaskDataset? words, IReadOnlyList<string> files)
    {
        var asked = recipe.Tasks[entry];
        var name = asked.Name ?? task.Name;
        var languages = asked.Languages.Count > 0 ? asked.Languages : recipe.Languages;
        if (task.Form == TaskForm.Prompted) return Prompted(asked, entry, task, languages, files);
        var units = languages.Select(language => new TaskUnit(entry, task, words, name, language, TaskUnit.FileOf(asked.Files, language), task.Cluster ?? name)).ToList();
        if (units.FirstOrDefault(unit => !files.Contains(unit.File, StringComparer.Ordinal)) is { } missing)
            throw new JobException($"tasks.{entry} ({task.Name}): there is no file {missing.File} for language {missing.Language}.{Near(missing.File, files)}");
        return units;
    }

    // <cluster>/<data set>/test_*.csv; a folder of several languages has one level more above it.
    private static List<TaskUnit> Prompted(EvaluatedTask asked, int entry, EvaluationTask task, IReadOnlyList<string> languages, IReadOnlyList<string> files)
    {
        var units = new List<TaskUnit>();
        foreach (var language in languages)
        {
            var root = TaskUnit.FileOf(asked.Files, language).TrimEnd('/');
            foreach (var file in files)
            {
                if (root.Length > 0 && !file.StartsWith(root + "/", Ordinal)) continue;
                var parts = (root.Length > 0 ? file[(root.Length + 1)..] : file).Split('/');
                if (parts is not [var cluster, var dataset, var name] || name.Contains("train", Ordinal) || !name.EndsWith(".csv", Ordinal)) continue;
                units.Add(new TaskUnit(entry, task, null, asked.Name ?? task.Name, language, file, cluster, dataset, name[..^4]));
            }
        }

        if (units.Count == 0) throw new JobException($"tasks.{entry} ({task.Name}): there is no file <cluster>/<data set>/test_*.csv{(asked.Files.Length > 0 ? $" below {asked.Files}" : "")}. There are: {Listed(files)}.");
        foreach (var cluster in asked.TargetCluster) Known("targetCluster", "cluster", cluster, [.. units.Select(unit => unit.Cluster).Distinct(StringComparer.Ordinal)]);
        foreach (var dataset in asked.TargetDataset) Known("targetDataset", "data set", dataset, [.. units.Select(unit => unit.Dataset!).Distinct(StringComparer.Ordinal)]);
        if (asked.TargetCluster.Count + asked.TargetDataset.Count > 0) units.RemoveAll(unit => !asked.TargetCluster.Contains(unit.Cluster, StringComparer.Ordinal) && !asked.TargetDataset.Contains(unit.Dataset!, StringComparer.Ordinal));
        // Scores are told apart by data set and template.
        if (units.GroupBy(unit => (unit.Language, unit.Dataset, unit.Template)).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new JobException($"tasks.{entry} ({task.Name}): the data set {twice.Key.Dataset} is in two clusters: {string.Join(", ", twice.Select(unit => unit.File))}. Take one away, or name the clusters to evaluate (targetCluster).");
        return units;

        void Known(string key, string what, string name, IReadOnlyList<string> known)
        {
            if (!known.Contains(name, StringComparer.Ordinal)) throw new JobException($"tasks.{entry}.{key}: there is no {what} '{name}'. Did you mean '{RecipeKey.Nearest(name, known)}'? There are: {string.Join(", ", known)}.");
        }
    }

    private static string Near(string file, IReadOnlyList<string> files) => files.Count == 0 ? "" : $" Did you mean {RecipeKey.Nearest(file, files)}? There are: {Listed(files)}.";

    private static string Listed(IReadOnlyList<string> files) => string.Join(", ", files.Take(20)) + (files.Count > 20 ? $" and {files.Count - 20} more" : "");
}
