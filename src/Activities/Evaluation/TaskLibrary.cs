using System.Reflection;
using System.Text;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tasks;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;

namespace XInstruct.Activities.Evaluation;

/// <summary>Tasks that ship with XInstruct, and task files of users.</summary>
public static class TaskLibrary
{
    private const string Prefix = "evaluation.";

    /// <summary>Names of the tasks that ship.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. Assembly.GetExecutingAssembly().GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal)];

    /// <summary>A task that ships.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public static EvaluationTask Shipped(string name) => Parse(Text(name), $"{name}.yaml");

    /// <summary>The task that a job was started with. A job from before tasks were inputs reads the one that ships now.</summary>
    internal static EvaluationTask Shipped(JobContext job, string name) => job.Has(Role(name)) ? Read(job.Input(Role(name)), $"{name}.yaml") : Shipped(name);

    /// <summary>A task that ships, as an input of a job.</summary>
    internal static ShippedInput Input(string name) => new(Role(name), Text(name));

    private static string Role(string name) => $"shipped/tasks/{name}";

    private static string Text(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Prefix + name)
            ?? throw new KeyNotFoundException($"No task '{name}' ships with XInstruct. Did you mean '{RecipeKey.Nearest(name, Names)}'? There are: {string.Join(", ", Names)}.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>A user's task file.</summary>
    /// <param name="path">Where its bytes are.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed.</exception>
    public static EvaluationTask Read(string path, string name) => Parse(TaskRegistryFiles.Text(path, name, "task file"), name);

    /// <summary>The task of a YAML text.</summary>
    /// <exception cref="RecipeException">Something is wrong; all of it is listed.</exception>
    public static EvaluationTask Parse(string yaml, string name)
    {
        var problems = new ProblemList();
        var start = new Place(name, 1, 1);
        var root = RecipeYaml.Parse(yaml, name, false, problems);
        problems.ThrowIfAny();
        if (root is not MapNode map) throw new RecipeException([new RecipeProblem(name, 1, 1, "", "A task is a mapping of keys to values.")]);
        var binder = new RecipeBinder(start, typeof(EvaluationTask), problems);
        var task = (EvaluationTask)binder.Bind(map);
        binder.Check(task);
        Rules(task, binder, problems);
        problems.ThrowIfAny();
        return task;
    }

    private static void Rules(EvaluationTask task, RecipeBinder binder, ProblemList problems)
    {
        Template("prompt", task.Prompt);
        for (var i = 0; i < task.Choices.Count && task.Form == TaskForm.Choice; i++) Template("choices", task.Choices[i]);
        if (task.Form == TaskForm.Choice) Rule("choices", task.Choices.Count >= 2 || task.ChoicesColumn is not null, "Name at least two choices, or the column that has them (choicesColumn).");
        if (task.Form == TaskForm.Label) Rule("choices", task.Choices.Count >= 2 && task.Choices.All(choice => choice.Length > 0), "Name at least two labels in English.");
        Rule("choices", task.Choices.Distinct(StringComparer.Ordinal).Count() == task.Choices.Count, "Two choices are the same.");
        Rule("answers", task.Answers.Count == 0 || task.Answers.Count == task.Choices.Count, $"Must be as many as choices: {task.Choices.Count}.");
        var known = Measure.Of(task.Form).ToList();
        foreach (var measure in task.Measures.Where(measure => !known.Contains(measure)))
            Rule("measures", false, $"'{measure}' is none of this form. Did you mean '{RecipeKey.Nearest(measure, known)}'? There are: {string.Join(", ", known)}.");
        for (var i = 0; i < task.Locales.Count; i++)
        {
            var (locale, key) = (task.Locales[i], $"locales.{i}");
            Rule($"{key}.language", Language.TryParse(locale.Language, out _, out var error), error ?? "");
            Rule($"{key}.language", task.Locales.Take(i).All(other => other.Language != locale.Language), $"{locale.Language} is here twice.");
            Rule($"{key}.labels", locale.Labels.Count == 0 || locale.Labels.Count == task.Choices.Count, $"Must be as many as choices: {task.Choices.Count}.");
            foreach (var name in locale.Values.Keys) Rule($"{key}.values", name.Contains('.', StringComparison.Ordinal), $"'{name}' must be column.value.");
            foreach (var shot in locale.Shots) Template($"{key}.shots", shot);
        }

        void Rule(string key, bool holds, string message)
        {
            if (!holds && !problems.Has(key)) problems.Add(binder.PlaceOf(key), key, message);
        }

        void Template(string key, string template)
        {
            try
            {
                PromptTemplate.Parse(template);
            }
            catch (FormatException e)
            {
                Rule(key, false, e.Message);
            }
        }
    }
}
