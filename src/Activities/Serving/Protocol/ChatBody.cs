using System.Text;
using System.Text.Json;
using XInstruct.Training.Chat;

namespace XInstruct.Activities.Serving.Protocol;

/// <summary>A request for a chat completion.</summary>
/// <param name="Model">Name of the model.</param>
/// <param name="Messages">The conversation so far.</param>
/// <param name="Settings">How the reply is written.</param>
/// <param name="LogProbabilities">Send the log-probability of each token.</param>
/// <param name="Alternatives">Send so many of the most probable tokens at each place.</param>
internal sealed record ChatBody(string Model, IReadOnlyList<ChatMessage> Messages, CompletionSettings Settings, bool LogProbabilities, int Alternatives)
{
    private const int MostAlternatives = 20;
    private static readonly string[] s_roles = ["system", "developer", "user", "assistant", "tool"];

    /// <summary>Reads a request.</summary>
    /// <exception cref="ApiException">It is none, or asks for what this server does not do.</exception>
    public static ChatBody Read(JsonElement root)
    {
        var fields = RequestFields.Of(root, "body");
        fields = new RequestFields(root);
        var model = fields.Text("model") ?? throw Missing("model");
        var messages = fields.Array("messages") ?? throw Missing("messages");
        if (messages.Count == 0) throw ApiException.Bad("messages", "'messages' must have at least one message.", "empty_array");
        var isEmpty = (JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;
        fields.Refuse("tools", isEmpty, "the model answers in text and calls nothing.");
        fields.Refuse("functions", isEmpty, "the model answers in text and calls nothing.");
        fields.Refuse("audio", _ => false, "the model answers in text.");
        fields.Refuse("modalities", value => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String && v.ValueEquals("text")), "the model answers in text.");
        if (fields.Object("response_format") is { } format && format.Text("type") is { } type && type != "text")
            throw ApiException.Bad("response_format", $"'response_format' must be {{\"type\": \"text\"}}: replies are not forced into the form '{Short(type)}' here.", "unsupported_parameter");
        var alternatives = (int?)fields.Integer("top_logprobs", 0, MostAlternatives);
        var isAsked = fields.Flag("logprobs") ?? false;
        if (alternatives > 0 && !isAsked) throw ApiException.Bad("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
        var settings = CompletionSettings.Read(fields);
        if (settings.MaxTokens == 0) throw ApiException.Bad("max_tokens", "'max_tokens' must be at least 1.");
        return new ChatBody(model, [.. messages.Select(m => Message(m.Value, m.Name))], settings, isAsked, alternatives ?? 0);
    }

    private static ChatMessage Message(JsonElement value, string name)
    {
        var fields = RequestFields.Of(value, name);
        var role = fields.Text("role") ?? throw Missing(fields.Name("role"));
        if (!s_roles.Contains(role)) throw ApiException.Bad(fields.Name("role"), $"'{fields.Name("role")}' is '{Short(role)}'; there are {string.Join(", ", s_roles)}.");
        if (fields.Any("tool_calls") is { } calls && !(calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() == 0))
            throw ApiException.Bad(fields.Name("tool_calls"), $"'{fields.Name("tool_calls")}' is not supported: the model answers in text and calls nothing.", "unsupported_parameter");
        var content = fields.Any("content") is { } given ? Content(given, fields.Name("content"))
            : role == "assistant" ? "" : throw Missing(fields.Name("content"));
        // Newer models of OpenAI call their instructions so; templates know the older word.
        return new ChatMessage(role == "developer" ? "system" : role, content);
    }

    private static string Content(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.String) return RequestFields.TextOf(value, name);
        if (value.ValueKind != JsonValueKind.Array) throw RequestFields.WrongType(value, name, "a string or an array of parts");
        var text = new StringBuilder();
        foreach (var (item, itemName) in RequestFields.ElementsOf(value, name))
        {
            var part = RequestFields.Of(item, itemName);
            var type = part.Text("type") ?? throw Missing(part.Name("type"));
            if (type != "text") throw ApiException.Bad(part.Name("type"), $"'{part.Name("type")}' is '{Short(type)}'; the model reads parts of type 'text' only.");
            text.Append(part.Text("text") ?? throw Missing(part.Name("text")));
        }

        return text.ToString();
    }

    private static ApiException Missing(string name) => new(400, $"'{name}' is missing.", name, "missing_required_parameter");

    private static string Short(string word) => word.Length <= 40 ? word : word[..40] + "…";
}
