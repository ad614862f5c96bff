using XInstruct.Domain.Costs;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Recipes;

/// <summary>Rules that no annotation of one key can say.</summary>
internal sealed class RecipeRules(RecipeBinder binder, ProblemList problems)
{
    /// <summary>Checks a bound recipe.</summary>
    public void Check(Recipe recipe)
    {
        foreach (var (code, i) in recipe.Languages.Select((c, i) => (c, i))) CheckLanguage(code, recipe.Languages.Take(i).Contains(code));
        Rule("corpus.minChars", recipe.Corpus.MinChars <= recipe.Corpus.MaxChars, $"Must not be above corpus.maxChars, which is {recipe.Corpus.MaxChars}; it is {recipe.Corpus.MinChars}.");
        Rule("refine.keep", recipe.Refine.Keep.All(k => k is > 0 and <= 1), "Each share must be above 0 and at most 1.");
        Rule("plan.microBatch", recipe.Plan.MicroBatch <= recipe.Plan.ShardSize, $"Must not be above plan.shardSize, which is {recipe.Plan.ShardSize}; it is {recipe.Plan.MicroBatch}.");
        if (recipe.Truth is { } truth) Rule("truth.fields", truth.Fields.Count > 0, "Name at least one column that an instruction must agree with, e.g. [topic, intent].");
        Rule(
            "seeds.take",
            recipe.Seeds.Path != recipe.Corpus.Path || recipe.Seeds.Path.Length == 0 || recipe.Seeds.Take is not null,
            "Needed, because the seeds are rows of the corpus files: else every row would be a seed and no text left.");
        if (recipe.Seeds.Template is { } template) Prompt("seeds.template", template, ["label", "language"], ["label"]);
        else Rule("seeds.alignWith", recipe.Seeds.AlignWith is null, "Only labelled rows are aligned: it needs seeds.template.");
        Model("models.generator", recipe.Models.Generator, ["text", "language"], ["text"]);
        Model("models.evaluator", recipe.Models.Evaluator, ["text", "instruction"], ["text", "instruction"]);
        Model("models.student", recipe.Models.Student, ["instruction", "language"], ["instruction"]);
        Api("models.generator.api", recipe.Models.Generator.Api, recipe);
        Api("models.evaluator.api", recipe.Models.Evaluator.Api, recipe);
        Rule("refine.rank", recipe.Refine.Rank != Ranking.Generator || recipe.Models.Generator.Api is null or { LogProbabilities: true }, "The generator is behind an endpoint: its confidence needs models.generator.api.logProbabilities.");
    }

    private void Api(string key, ApiOptions? api, Recipe recipe)
    {
        if (api is not null) Api(key, api, recipe.Budget, Rule);
    }

    /// <summary>The rules of a model behind an endpoint.</summary>
    /// <param name="key">Dotted key of the endpoint.</param>
    /// <param name="api">The endpoint.</param>
    /// <param name="budget">What its calls may cost.</param>
    /// <param name="rule">Takes a key, whether what is said of it holds, and what is wrong if it does not.</param>
    internal static void Api(string key, ApiOptions api, BudgetOptions? budget, Action<string, bool, string> rule)
    {
        var isAddress = Uri.TryCreate(api.BaseUrl, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address is { UserInfo: "", Query: "", Fragment: "" };
        rule($"{key}.baseUrl", isAddress, $"'{api.BaseUrl}' is no http or https address such as https://api.openai.com/v1.");
        if (!isAddress) return;
        rule($"{key}.baseUrl", api.Key is null || address!.Scheme == "https" || address.IsLoopback, $"A key goes only to https or to this machine, and {address!.Scheme}://{address.Authority} is neither. Use https, or leave {key}.key out.");
        rule(
            $"{key}.model",
            budget?.Usd is null || ModelPrice.For(api) is not null,
            $"There is a budget, but what '{api.Model}' costs is not known. Set {key}.usdPerMillionIn and {key}.usdPerMillionOut.");
    }

    private void CheckLanguage(string code, bool isRepeated)
    {
        if (!Language.TryParse(code, out var language, out var error))
        {
            Rule("languages", false, error);
            return;
        }

        Rule("languages", language.Code == code, $"'{code}' is written '{language.Code}'.");
        Rule("languages", !isRepeated, $"'{code}' is here twice.");
    }

    private void Model(string key, ModelOptions model, string[] allowed, string[] required)
    {
        Prompt($"{key}.prompt", model.Prompt, allowed, required);
        var shape = model.Shape;
        // Rotary positions turn pairs of numbers within a head.
        Rule($"{key}.shape.hidden", shape.Hidden % (2 * shape.Heads) == 0, $"Must be a multiple of twice the heads ({2 * shape.Heads}); {shape.Hidden} is not.");
    }

    private void Prompt(string key, string template, string[] allowed, string[] required)
    {
        if (PromptTemplate.Problem(template, allowed, required) is { } problem) Rule(key, false, problem);
    }

    private void Rule(string key, bool holds, string message)
    {
        if (!holds) problems.Add(binder.PlaceOf(key), key, message);
    }
}
