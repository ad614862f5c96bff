using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>Checks that need more than one key, or the disk.</summary>
internal static class RecipeChecks
{
    public static void Check(Recipe recipe, RecipeBinder binder, string folder)
    {
        void Problem(string key, string message) => binder.Add(binder.Places.GetValueOrDefault(key), key, message);
        if (recipe.Name.Length == 0) Problem("name", "is required, e.g. name: my-run.");
        if (recipe.Languages.Count == 0) Problem("languages", "is required: language codes, e.g. [sw, hi].");
        Languages(recipe, Problem);
        if (recipe.Corpus.MinChars > recipe.Corpus.MaxChars) Problem("corpus.minChars", $"is {recipe.Corpus.MinChars}, more than corpus.maxChars ({recipe.Corpus.MaxChars}).");
        foreach (var share in recipe.Refine.Keep)
        {
            if (share is < 0 or > 1) Problem("refine.keep", $"takes shares from 0 to 1, not {share}.");
        }

        if (recipe.Plan.MicroBatch > recipe.Plan.ShardSize) Problem("plan.microBatch", $"is more than plan.shardSize ({recipe.Plan.ShardSize}).");
        Prompt("models.generator.prompt", recipe.Models.Generator.Prompt, ["text"], ["text", "language"], Problem);
        Prompt("models.evaluator.prompt", recipe.Models.Evaluator.Prompt, ["text", "instruction"], ["text", "instruction"], Problem);
        Prompt("models.student.prompt", recipe.Models.Student.Prompt, ["instruction"], ["instruction", "language"], Problem);
        if (recipe.Seeds.Template is not null) Prompt("seeds.template", recipe.Seeds.Template, ["label"], ["label", "language"], Problem);
        Files(recipe, binder, folder, Problem);
    }

    private static void Languages(Recipe recipe, Action<string, string> problem)
    {
        foreach (var code in recipe.Languages)
        {
            if (!Language.TryParse(code, out _)) problem("languages", $"'{code}' is not a language code that CLDR knows. Did you mean '{Language.Nearest(code)}'?");
        }

        foreach (var twice in recipe.Languages.GroupBy(l => l, StringComparer.Ordinal).Where(g => g.Count() > 1)) problem("languages", $"'{twice.Key}' is there twice.");
    }

    private static void Prompt(string key, string template, string[] needed, string[] allowed, Action<string, string> problem)
    {
        try
        {
            var slots = PromptTemplate.Parse(template).Segments.Select(s => s.Slot).OfType<string>().ToHashSet(StringComparer.Ordinal);
            foreach (var slot in needed.Where(n => !slots.Contains(n))) problem(key, $"lacks the slot {{{slot}}}.");
            foreach (var slot in slots.Where(s => !allowed.Contains(s, StringComparer.Ordinal))) problem(key, $"has the slot {{{slot}}}; allowed are {string.Join(", ", allowed.Select(a => $"{{{a}}}"))}.");
        }
        catch (FormatException e)
        {
            problem(key, e.Message);
        }
    }

    private static void Files(Recipe recipe, RecipeBinder binder, string folder, Action<string, string> problem)
    {
        // A path given by --set is the user's, seen from where they stand; one in the file is seen from the file.
        string Full(string key, string path) => Path.GetFullPath(
            path, binder.Places.TryGetValue(key, out var node) && binder.Overrides.ContainsKey(node) ? Environment.CurrentDirectory : folder);
        string? Resolve(string key, string? path, bool isRequired, bool isFolder = false)
        {
            if (string.IsNullOrEmpty(path))
            {
                if (isRequired) problem(key, "is required.");
                return path;
            }

            var full = Full(key, path);
            foreach (var (name, language) in Expand(full, recipe.Languages))
            {
                if (isFolder ? !Directory.Exists(name) : !File.Exists(name)) problem(key, $"{name} does not exist{(language is null ? "" : $" (language {language})")}.");
            }

            return full;
        }

        recipe.Corpus.Path = Resolve("corpus.path", recipe.Corpus.Path, isRequired: true)!;
        recipe.Seeds.Path = Resolve("seeds.path", recipe.Seeds.Path, isRequired: true)!;
        recipe.Seeds.AlignWith = Resolve("seeds.alignWith", recipe.Seeds.AlignWith, isRequired: false);
        recipe.Models.Generator.Base = Resolve("models.generator.base", recipe.Models.Generator.Base, isRequired: false, isFolder: true);
        recipe.Models.Evaluator.Base = Resolve("models.evaluator.base", recipe.Models.Evaluator.Base, isRequired: false, isFolder: true);
        recipe.Models.Student.Base = Resolve("models.student.base", recipe.Models.Student.Base, isRequired: false, isFolder: true);
        if (recipe.Truth is not { } truth) return;
        // A truth that is gone changes nothing but the report.
        truth.Path = Full("truth.path", truth.Path.Length == 0 ? recipe.Corpus.Path : truth.Path);
        truth.Lexicon = truth.Lexicon is null ? null : Full("truth.lexicon", truth.Lexicon);
        truth.AlignWith = truth.AlignWith is null ? recipe.Seeds.AlignWith : Full("truth.alignWith", truth.AlignWith);
    }

    /// <summary>Files of a path: one for each language where {lang} stands in it.</summary>
    public static IEnumerable<(string Path, string? Language)> Expand(string path, IReadOnlyList<string> languages) =>
        path.Contains("{lang}", StringComparison.Ordinal)
            ? languages.Select(l => (path.Replace("{lang}", l, StringComparison.Ordinal), (string?)l))
            : [(path, null)];
}
