using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;

namespace XInstruct.Domain.Tasks;

/// <summary>What must hold between the keys of a registry.</summary>
public static class TaskRegistryRules
{
    /// <summary>What is wrong, each with the dotted key, e.g. datasets.3.templates.0.input.</summary>
    /// <param name="registry">A registry as it was read.</param>
    /// <param name="others">Registries used beside it, whose clusters it may name.</param>
    public static IEnumerable<(string Key, string Message)> Problems(TaskRegistry registry, IReadOnlyList<TaskRegistry> others)
    {
        ArgumentNullException.ThrowIfNull(registry);
        ArgumentNullException.ThrowIfNull(others);
        var catalogue = new TaskCatalogue(others.Append(registry).Select(one => new TaskRegistry { Clusters = one.Clusters }));
        var clusters = catalogue.Clusters.ToDictionary(c => c.Name, StringComparer.Ordinal);
        foreach (var (i, cluster) in registry.Clusters.Index())
        {
            foreach (var problem in Words(cluster.Languages, $"clusters.{i}", cluster.Fields, cluster.Labels)) yield return problem;
            foreach (var problem in Templates(cluster.Templates, $"clusters.{i}", cluster.Fields, cluster.Labels, true)) yield return problem;
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, entry) in registry.Datasets.Index())
        {
            var key = $"datasets.{i}";
            if (!names.Add(entry.Name)) yield return ($"{key}.name", $"The data set {entry.Name} is here twice.");
            if (!clusters.TryGetValue(entry.Cluster, out var cluster))
            {
                if (entry.Cluster.Length > 0) yield return ($"{key}.cluster", catalogue.UnknownCluster(entry.Cluster));
                continue;
            }

            var dataset = new TaskDataset(entry, cluster);
            if (entry.Lang is { } lang && !Language.TryParse(lang, out _, out var error)) yield return ($"{key}.lang", error);
            foreach (var field in entry.Columns.Keys.Where(field => !dataset.Fields.Contains(field, StringComparer.Ordinal)))
                yield return ($"{key}.columns", $"'{field}' is no field of {entry.Name}; those are {string.Join(", ", dataset.Fields)}.");
            foreach (var label in entry.Values.Values.Where(label => !dataset.Labels.Contains(label, StringComparer.Ordinal)))
                yield return ($"{key}.values", $"'{label}' is no label of {entry.Name}; those are {string.Join(", ", dataset.Labels)}.");
            if (entry.Unrelated.Count > 0 && entry.Unrelated.Count != dataset.Labels.Count) yield return ($"{key}.unrelated", $"There must be one word for each of the {dataset.Labels.Count} labels.");
            foreach (var problem in Words(entry.Languages, key, dataset.Fields, dataset.Labels)) yield return problem;
            // Choices that a template writes out have no labels behind them.
            foreach (var problem in Templates(entry.Templates, key, dataset.Fields, dataset.Labels, dataset.ChoicesColumn is not null)) yield return problem;
        }
    }

    private static IEnumerable<(string Key, string Message)> Words(IReadOnlyList<TaskLanguage> languages, string key, IReadOnlyList<string> fields, IReadOnlyList<string> labels)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, words) in languages.Index())
        {
            var at = $"{key}.languages.{i}";
            if (!Language.TryParse(words.Lang, out _, out var error)) yield return ($"{at}.lang", error);
            if (!seen.Add(words.Lang)) yield return ($"{at}.lang", $"The language '{words.Lang}' is here twice.");
            foreach (var field in words.Words.Keys.Where(field => field != "answer" && !fields.Contains(field, StringComparer.Ordinal)))
                yield return ($"{at}.words", $"'{field}' is no field; those are {string.Join(", ", fields)}, and answer.");
            foreach (var label in words.Labels.Keys.Where(label => !labels.Contains(label, StringComparer.Ordinal)))
                yield return ($"{at}.labels", $"'{label}' is no label; those are {string.Join(", ", labels)}.");
            if (words.Labels.Values.GroupBy(word => word, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } same)
                yield return ($"{at}.labels", $"'{same.Key}' is the word of several labels: nobody could tell them apart.");
            foreach (var (s, shot) in words.Shots.Index())
            {
                if (!labels.Contains(shot.Answer, StringComparer.Ordinal)) yield return ($"{at}.shots.{s}.answer", $"'{shot.Answer}' is no label; those are {string.Join(", ", labels)}.");
                if (!fields.ToHashSet(StringComparer.Ordinal).SetEquals(shot.Fields.Keys)) yield return ($"{at}.shots.{s}.fields", $"Must have a text for each field: {string.Join(", ", fields)}.");
            }
        }
    }

    private static IEnumerable<(string Key, string Message)> Templates(IReadOnlyList<TaskTemplate> templates, string key, IReadOnlyList<string> fields, IReadOnlyList<string> labels, bool hasChoices)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, template) in templates.Index())
        {
            var at = $"{key}.templates.{i}";
            if (!seen.Add(template.Name)) yield return ($"{at}.name", $"The template {template.Name} is here twice.");
            if (!Language.TryParse(template.Lang, out _, out var error)) yield return ($"{at}.lang", error);
            if (template.Format is { } format && !Language.TryParse(format, out _, out error)) yield return ($"{at}.format", error);
            string[] choices = labels.Count > 0 || hasChoices || template.Choices is not null ? ["choices", "options"] : [];
            if (PromptTemplate.Problem(template.Input, [.. fields, .. choices], []) is { } input) yield return ($"{at}.input", input);
            if (PromptTemplate.Problem(template.Output, [.. fields, "answer"], []) is { } output) yield return ($"{at}.output", output);
            if (template.Choices is { } written && PromptTemplate.Problem(written, fields, []) is { } wrong) yield return ($"{at}.choices", wrong);
            foreach (var label in template.Answers.Keys.Where(label => !labels.Contains(label, StringComparer.Ordinal)))
                yield return ($"{at}.answers", $"'{label}' is no label; those are {string.Join(", ", labels)}.");
        }
    }
}
