using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>The commented recipe that <c>recipe new</c> writes, generated from the types: every key with its meaning, limits and default.</summary>
public static class RecipeTemplate
{
    private const int Width = 120;

    // What has no default: names that show how such a value looks.
    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        ["name"] = "my-recipe",
        ["languages"] = "[sw, hi, tr]",
        ["corpus.path"] = "corpus/{lang}.jsonl",
        ["seeds.path"] = "seeds/{lang}.jsonl",
        ["diversify.encoder.path"] = "encoder",
        ["truth.path"] = "truth/{lang}.jsonl",
        ["truth.fields"] = "[topic]",
        ["models.generator.api.model"] = "gpt-4.1-mini",
        ["models.evaluator.api.model"] = "gpt-4.1-mini",
    };

    // The same of training recipes; what stands here is written without a #.
    private static readonly Dictionary<string, string> TrainingExamples = new(StringComparer.Ordinal)
    {
        ["name"] = "my-training",
        ["model.path"] = "models/llama",
        ["data.files"] = "[data.jsonl]",
    };

    /// <summary>The same of a training recipe.</summary>
    public static string CommentedTraining() => Commented(new TrainingRecipe(), "A training recipe of XInstruct.", "'xinstruct train sft FILE --check' checks the file.", TrainingExamples);

    /// <summary>The same of a job's recipe.</summary>
    /// <param name="command">The command that takes it, e.g. <c>curate</c>.</param>
    /// <param name="recipe">A recipe with its defaults.</param>
    /// <param name="examples">What has no default, by key: written without a <c>#</c>; a list's sections are keyed without their place, e.g. <c>sources.path</c>.</param>
    public static string Commented(string command, JobRecipe recipe, IReadOnlyDictionary<string, string> examples) =>
        Commented(recipe, $"A recipe of 'xinstruct {command}'.", $"'xinstruct {command} FILE --check' checks the file.", examples);

    /// <summary>The YAML text. Lines that begin with <c>#</c> and a space are comments; <c>#key: value</c> is a default to be changed by taking the <c>#</c> away.</summary>
    public static string Commented() => Commented(new Recipe(), "An XInstruct recipe.", "'xinstruct recipe check' checks the file, 'xinstruct recipe schema' prints a JSON schema for editors.", Examples);

    private static string Commented(object recipe, string what, string check, IReadOnlyDictionary<string, string> examples)
    {
        var text = new StringBuilder();
        Comment(text, "", $"{what} '#key: value' shows a default: take the # away to change it. {check}");
        Section(text, recipe, "", "", false, examples);
        return text.ToString();
    }

    private static void Section(StringBuilder text, object defaults, string prefix, string indent, bool isOff, IReadOnlyDictionary<string, string> examples)
    {
        foreach (var key in RecipeKey.Of(defaults.GetType()))
        {
            var name = prefix + key.Name;
            if (indent.Length == 0) text.Append('\n');
            Comment(text, indent, key.Description + Limits(key));
            var isShown = examples != Examples && examples.Keys.Any(k => k == name || k.StartsWith(name + ".", StringComparison.Ordinal));
            var off = isOff || (!isShown && (key.Kind == KeyKind.Section ? key.IsNullable : !key.IsRequired));
            var hash = off ? "#" : "";
            if (key.Kind == KeyKind.Section)
            {
                text.Append(CultureInfo.InvariantCulture, $"{indent}{hash}{key.Name}:\n");
                Section(text, key.Get(defaults) ?? Activator.CreateInstance(key.Type)!, $"{name}.", $"{indent}  ", off, examples);
            }
            else if (key.Kind == KeyKind.SectionList)
            {
                text.Append(CultureInfo.InvariantCulture, $"{indent}{hash}{key.Name}:\n{indent}  {hash}-\n");
                Section(text, Activator.CreateInstance(key.Item!)!, $"{name}.", $"{indent}    ", off, examples);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"{indent}{hash}{key.Name}: {(examples.TryGetValue(name, out var example) ? example : null) ?? Yaml(key.Get(defaults))}\n");
            }
        }
    }

    private static string Limits(RecipeKey key)
    {
        if (key.Choices.Count > 0) return $" One of {string.Join(", ", key.Choices)}.";
        if (key.Range is not { } range) return "";
        return range.Maximum is int.MaxValue
            ? $" At least {Convert.ToString(range.Minimum, CultureInfo.InvariantCulture)}."
            : $" {Convert.ToString(range.Minimum, CultureInfo.InvariantCulture)} to {Convert.ToString(range.Maximum, CultureInfo.InvariantCulture)}.";
    }

    private static string Yaml(object? value) => value switch
    {
        null => "null",
        // A JSON string is a YAML string.
        string text => JsonSerializer.Serialize(text),
        bool flag => flag ? "true" : "false",
        Enum choice => JsonNamingPolicy.CamelCase.ConvertName(choice.ToString()),
        IEnumerable<double> numbers => $"[{string.Join(", ", numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]",
        IEnumerable<int> numbers => $"[{string.Join(", ", numbers.Select(n => n.ToString(CultureInfo.InvariantCulture)))}]",
        IReadOnlyDictionary<string, string> { Count: 0 } => "{}",
        IReadOnlyDictionary<string, string> map => $"{{{string.Join(", ", map.Select(e => $"{e.Key}: {JsonSerializer.Serialize(e.Value)}"))}}}",
        IEnumerable<string> texts => $"[{string.Join(", ", texts)}]",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static void Comment(StringBuilder text, string indent, string comment)
    {
        var line = new StringBuilder();
        foreach (var word in comment.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Length > 0 && indent.Length + 2 + line.Length + word.Length > Width)
            {
                text.Append(CultureInfo.InvariantCulture, $"{indent}# {line}\n");
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        if (line.Length > 0) text.Append(CultureInfo.InvariantCulture, $"{indent}# {line}\n");
    }
}
