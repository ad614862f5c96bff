using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.Endpoints;

/// <summary>The two messages of a role, filled for each row in one pass: a text that spells a slot or a score stays text.</summary>
/// <param name="options">The role's model.</param>
/// <param name="template">User message with slots.</param>
public sealed class EndpointPrompt(RemotableModelOptions options, string template)
{
    private const string GeneratorSystem = "You write instructions that existing texts answer, as training data for an assistant.";
    private const string EvaluatorSystem = "You are a strict, fair judge of training data for an assistant in many languages.";

    private readonly PromptTemplate _template = PromptTemplate.Parse(template);
    private readonly string _system = options.Api!.System ?? (IsRubric(template) ? EvaluatorSystem : GeneratorSystem);

    private readonly ReplyFormat? _format = options.Api!.Structured ? ReplyFormat.Of(IsRubric(template) ? "evaluator" : "generator") : null;

    /// <summary>Both messages as they are hashed and stored: the template, before it the system message, after it the schema of the reply.</summary>
    public string Text => $"{_system}\n\n{template}" + (_format is null ? "" : $"\n\n{_format.Schema}");

    /// <summary>The prompt of the role that a run uses.</summary>
    public static EndpointPrompt Of(RecipeDocument document, string role, string language, FileStore files)
    {
        var options = role == "generator" ? document.Recipe.Models.Generator : document.Recipe.Models.Evaluator;
        return new EndpointPrompt(options, document.Input($"models.{role}.api.promptFile", language) is { } hash ? File.ReadAllText(files.Blob(hash)) : Shipped(role, options.Api!.Structured));
    }

    /// <summary>The template that ships with XInstruct.</summary>
    public static string Shipped(string role, bool isStructured = false)
    {
        using var reader = new StreamReader(typeof(EndpointPrompt).Assembly.GetManifestResourceStream($"prompts.{role}{(isStructured ? "-structured" : "")}")!);
        return reader.ReadToEnd();
    }

    private static bool IsRubric(string template) => template.Contains("{instruction}", StringComparison.Ordinal);

    /// <summary>The call of a row.</summary>
    /// <param name="text">Text in the target language.</param>
    /// <param name="instruction">Instruction, for the evaluator.</param>
    /// <param name="language">Language code.</param>
    /// <param name="seed">Name of the row's random choice.</param>
    public ChatRequest Request(string text, string instruction, string language, string seed)
    {
        var slots = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["text"] = text,
            ["instruction"] = instruction,
            ["language"] = Language.Parse(language).EnglishName,
        };
        var sampling = options.Sampling;
        return new ChatRequest(
            _system,
            _template.Fill(slots),
            sampling.MaxNewTokens,
            sampling.Temperature,
            sampling.TopP,
            (int)(DeterministicRandom.SeedOf(seed) & int.MaxValue),
            options.Api!.LogProbabilities,
            _format);
    }

    /// <summary>What the events of these calls share.</summary>
    public Act Act(string stage, EndpointSettings settings) => new(
        stage,
        CodeVersion.Current,
        Prompt: ContentHash.Of(Text),
        Sampling: System.Text.Json.JsonSerializer.Serialize(options.Sampling, EventJson.Options),
        Device: $"{settings.BaseUrl} {settings.Model}");
}
