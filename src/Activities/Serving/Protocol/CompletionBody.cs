using System.Text.Json;

namespace XInstruct.Activities.Serving.Protocol;

/// <summary>A prompt as it came: text, or token ids.</summary>
/// <param name="Text">The text; null for ids.</param>
/// <param name="Ids">The ids; null for a text.</param>
/// <param name="Name">Where it stands in the request.</param>
internal sealed record PlainPrompt(string? Text, int[]? Ids, string Name);

/// <summary>A request for plain completions.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Prompts">What is to be continued.</param>
/// <param name="Settings">How the replies are written.</param>
/// <param name="Alternatives">Send log-probabilities, and so many of the most probable tokens at each place; null for none.</param>
/// <param name="Echoes">Send the prompt before its completion.</param>
internal sealed record CompletionBody(string Model, IReadOnlyList<PlainPrompt> Prompts, CompletionSettings Settings, int? Alternatives, bool Echoes)
{
    private const int MostAlternatives = 20;
    private const int MostPrompts = 1024;

    /// <summary>Reads a request.</summary>
    /// <exception cref="ApiException">It is none, or asks for what this server does not do.</exception>
    public static CompletionBody Read(JsonElement root)
    {
        _ = RequestFields.Of(root, "body");
        var fields = new RequestFields(root);
        var model = fields.Text("model") ?? throw new ApiException(400, "'model' is missing.", "model", "missing_required_parameter");
        fields.Refuse("suffix", value => value.ValueKind == JsonValueKind.String && value.ValueEquals(""), "the model writes on, it does not fill in.");
        var settings = CompletionSettings.Read(fields);
        if (fields.Integer("best_of", 1, 128) is { } best && best != settings.Choices) throw ApiException.Bad("best_of", "'best_of' must be as large as 'n': all replies are sent.", "unsupported_parameter");
        var prompts = ReadPrompts(fields.Any("prompt") ?? throw new ApiException(400, "'prompt' is missing.", "prompt", "missing_required_parameter"));
        if ((long)prompts.Count * settings.Choices > MostPrompts) throw ApiException.Bad("prompt", $"A request may ask for up to {MostPrompts} completions, prompts times 'n'.", "array_above_max_length");
        var alternatives = (int?)fields.Integer("logprobs", 0, MostAlternatives);
        var echoes = fields.Flag("echo") ?? false;
        if (settings.MaxTokens == 0 && !echoes) throw ApiException.Bad("max_tokens", "'max_tokens' must be at least 1 without 'echo'.");
        return new CompletionBody(model, prompts, settings, alternatives, echoes);
    }

    private static IReadOnlyList<PlainPrompt> ReadPrompts(JsonElement value)
    {
        const string expected = "a string, an array of strings, an array of token ids, or an array of such arrays";
        if (value.ValueKind == JsonValueKind.String) return [new PlainPrompt(RequestFields.TextOf(value, "prompt"), null, "prompt")];
        if (value.ValueKind != JsonValueKind.Array) throw RequestFields.WrongType(value, "prompt", expected);
        var items = RequestFields.ElementsOf(value, "prompt");
        if (items.Count == 0) throw ApiException.Bad("prompt", "'prompt' must not be empty.", "empty_array");
        return items[0].Value.ValueKind switch
        {
            JsonValueKind.String => [.. items.Select(item => new PlainPrompt(RequestFields.TextOf(item.Value, item.Name), null, item.Name))],
            JsonValueKind.Number => [Ids(value, "prompt")],
            JsonValueKind.Array => [.. items.Select(item => Ids(item.Value, item.Name))],
            _ => throw RequestFields.WrongType(items[0].Value, items[0].Name, expected),
        };
    }

    private static PlainPrompt Ids(JsonElement value, string name) =>
        new(null, [.. RequestFields.ElementsOf(value, name).Select(item => (int)RequestFields.IntegerOf(item.Value, item.Name, 0, int.MaxValue))], name);
}
