using System.Text.Json;
using XInstruct.Activities.Endpoints;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Runs;

/// <summary>What was set while a run was under way, put over its recipe and over the settings of its endpoints. Acts are made of the outcome, so each event's act says what held.</summary>
public static class SteeredRecipe
{
    /// <summary>The recipe as it holds for work of a revision.</summary>
    public static RecipeDocument Of(RecipeDocument document, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(document);
        var recipe = JsonSerializer.Deserialize<Recipe>(JsonSerializer.Serialize(document.Recipe, EventJson.Options), EventJson.Options)!;
        Put(recipe.Models.Generator, "generator", values);
        Put(recipe.Models.Evaluator, "evaluator", values);
        return document with { Recipe = recipe };
    }

    /// <summary>The endpoint as it holds for work of a revision.</summary>
    /// <param name="endpoint">What the last start wrote.</param>
    /// <param name="role">generator or evaluator.</param>
    /// <param name="values">What is set.</param>
    public static EndpointSettings Of(EndpointSettings endpoint, string role, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(values);
        double? Number(string key) => values.Number($"{role}.{key}");
        var model = values.GetValueOrDefault($"{role}.model") ?? endpoint.Model;
        return endpoint with
        {
            Model = model,
            Concurrency = (int?)Number("concurrency") ?? endpoint.Concurrency,
            Tries = (int?)Number("tries") ?? endpoint.Tries,
            Timeout = Number("timeout") ?? endpoint.Timeout,
            RequestsPerMinute = (int?)Number("requestsPerMinute") ?? endpoint.RequestsPerMinute,
            TokensPerMinute = (int?)Number("tokensPerMinute") ?? endpoint.TokensPerMinute,
            Price = Price(endpoint, role, values) ?? endpoint.Price,
        };
    }

    /// <summary>What the tokens of a role's model cost; null when nobody knows it.</summary>
    public static ModelPrice? Price(EndpointSettings endpoint, string role, IReadOnlyDictionary<string, string> values)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentNullException.ThrowIfNull(values);
        var model = values.GetValueOrDefault($"{role}.model") ?? endpoint.Model;
        // Another model under the same address is as free, or as little free, as the first.
        var known = model == endpoint.Model || endpoint.Price == new ModelPrice(0, 0) ? endpoint.Price : ModelPrice.For(new ApiOptions { Model = model });
        var (read, written) = ((decimal?)values.Number($"{role}.usdPerMillionIn") ?? known?.In, (decimal?)values.Number($"{role}.usdPerMillionOut") ?? known?.Out);
        return read is { } i && written is { } o ? new ModelPrice(i, o) : null;
    }

    private static void Put(RemotableModelOptions options, string role, IReadOnlyDictionary<string, string> values)
    {
        double? Number(string key) => values.Number($"{role}.{key}");
        options.Sampling.Temperature = Number("temperature") ?? options.Sampling.Temperature;
        options.Sampling.TopP = Number("topP") ?? options.Sampling.TopP;
        options.Sampling.MaxNewTokens = (int?)Number("maxNewTokens") ?? options.Sampling.MaxNewTokens;
        if (options.Api is { } api) api.Model = values.GetValueOrDefault($"{role}.model") ?? api.Model;
    }
}
