using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>
/// A model behind an OpenAI-compatible endpoint instead of a local one. What decides a reply is part of the recipe's identity; where the endpoint
/// is, how fast it may be asked and what it costs is not, so that a run goes on when these change.
/// </summary>
public sealed class ApiOptions
{
    [Required]
    [Description("Name of the model, as the endpoint knows it.")]
    public string Model { get; set; } = "";

    [Description("System message. Default: the one that ships with XInstruct for this role.")]
    public string? System { get; set; }

    [InputPath(InputKind.File)]
    [Description("File of the user message: a template with the slots of the role's prompt; for the evaluator the rubric, whose replies end in a line 'Score: 0' to 'Score: 5'. Default: the one that ships with XInstruct.")]
    public string? PromptFile { get; set; }

    [Description("Ask for the log-probabilities of the tokens, where the endpoint offers them: refine.rank can then use the generator.")]
    public bool LogProbabilities { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [Description("Ask for replies in JSON (response_format with a strict schema), where the endpoint offers that; the shipped prompts then ask for it too.")]
    public bool Structured { get; set; }

    [JsonIgnore]
    [Description("Address up to and with the version, e.g. http://127.0.0.1:8000/v1.")]
    public string BaseUrl { get; set; } = "https://api.openai.com/v1";

    [JsonIgnore]
    [RegularExpression("^[A-Za-z_][A-Za-z0-9_]*_API_KEY$")]
    [Description("Environment variable that holds the key; its name ends in _API_KEY. Without it no key is sent. A key goes only to https or to this machine.")]
    public string? Key { get; set; }

    [JsonIgnore]
    [Description("How the longest reply is told to the endpoint: max_tokens, max_completion_tokens, or auto, which is the latter for api.openai.com.")]
    public TokenLimit TokenLimit { get; set; }

    [JsonIgnore]
    [Range(1, 1024)]
    [Description("Calls of one worker under way at once, at most; fewer while the endpoint is overloaded.")]
    public int Concurrency { get; set; } = 8;

    [JsonIgnore]
    [Range(1, 100)]
    [Description("Calls for one text before it fails. A call that only came too early (429) counts a tenth. And looks in a row that find nobody at the endpoint before the run stops.")]
    public int Tries { get; set; } = 6;

    [JsonIgnore]
    [Range(1.0, 3600.0)]
    [Description("Seconds after which a call without a reply is given up and made again.")]
    public double Timeout { get; set; } = 120;

    [JsonIgnore]
    [Range(0, int.MaxValue)]
    [Description("Requests a minute under this key and model, of all workers together; 0 is no limit.")]
    public int RequestsPerMinute { get; set; }

    [JsonIgnore]
    [Range(0, int.MaxValue)]
    [Description("Tokens a minute under this key and model, read and written, of all workers together; 0 is no limit.")]
    public int TokensPerMinute { get; set; }

    [JsonIgnore]
    [Range(0.0, 1_000_000.0)]
    [Description("US dollars for a million tokens read. Default: a built-in table for well-known models, 0 for an endpoint on this machine.")]
    public double? UsdPerMillionIn { get; set; }

    [JsonIgnore]
    [Range(0.0, 1_000_000.0)]
    [Description("US dollars for a million tokens written.")]
    public double? UsdPerMillionOut { get; set; }
}

/// <summary>Name of the request's member that limits the reply.</summary>
public enum TokenLimit
{
    Auto,
    MaxTokens,
    MaxCompletionTokens,
}

/// <summary>What a run may spend. No part of the recipe's identity: a run goes on when it is raised.</summary>
public sealed class BudgetOptions
{
    [Range(0.0, 1_000_000_000.0)]
    [Description("US dollars of the whole run, all its starts together. When the next call might pass it the run stops; with a higher one it goes on.")]
    public double? Usd { get; set; }
}
