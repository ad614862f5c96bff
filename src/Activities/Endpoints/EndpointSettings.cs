using System.Text.Json.Serialization;
using XInstruct.Domain.Costs;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Endpoints;

/// <summary>How an endpoint is reached and how hard it may be used: what is no part of a recipe's identity.</summary>
/// <param name="BaseUrl">Address up to and with the version.</param>
/// <param name="Model">Name of the model there.</param>
/// <param name="Key">Environment variable that holds the key; null when none is sent.</param>
/// <param name="LimitName">Request member that limits the reply.</param>
/// <param name="Concurrency">Calls of one worker under way at once, at most.</param>
/// <param name="Tries">Calls for one row before it fails.</param>
/// <param name="Timeout">Seconds after which a call is given up.</param>
/// <param name="RequestsPerMinute">Of all workers; 0 is no limit.</param>
/// <param name="TokensPerMinute">Of all workers; 0 is no limit.</param>
/// <param name="Price">What a million tokens cost.</param>
public sealed record EndpointSettings(
    Uri BaseUrl,
    string Model,
    string? Key,
    string LimitName,
    int Concurrency,
    int Tries,
    double Timeout,
    int RequestsPerMinute,
    int TokensPerMinute,
    ModelPrice Price)
{
    /// <summary>Settings as a recipe has them; null for a local model.</summary>
    public static EndpointSettings? Of(ApiOptions? api)
    {
        if (api is null) return null;
        var address = new Uri(api.BaseUrl.TrimEnd('/'));
        var isNewName = api.TokenLimit == TokenLimit.MaxCompletionTokens || (api.TokenLimit == TokenLimit.Auto && address.Host == "api.openai.com");
        return new EndpointSettings(
            address,
            api.Model,
            api.Key,
            isNewName ? "max_completion_tokens" : "max_tokens",
            api.Concurrency,
            api.Tries,
            api.Timeout,
            api.RequestsPerMinute,
            api.TokensPerMinute,
            ModelPrice.For(api) ?? new ModelPrice(0, 0));
    }
}

/// <summary>A run's settings that may change between its starts.</summary>
/// <param name="Generator">Endpoint of the generator; null when it is local.</param>
/// <param name="Evaluator">Endpoint of the evaluator; null when it is local.</param>
public sealed record RunSettings(EndpointSettings? Generator, EndpointSettings? Evaluator)
{
    /// <summary>Settings of a recipe as the user wrote it; null when all its models are local.</summary>
    public static RunSettings? Of(Recipe recipe)
    {
        var settings = new RunSettings(EndpointSettings.Of(recipe.Models.Generator.Api), EndpointSettings.Of(recipe.Models.Evaluator.Api));
        return settings is { Generator: null, Evaluator: null } ? null : settings;
    }

    /// <summary>Environment variables that hold keys.</summary>
    [JsonIgnore]
    public IEnumerable<string> Keys => new[] { Generator?.Key, Evaluator?.Key }.OfType<string>().Distinct(StringComparer.Ordinal);
}
