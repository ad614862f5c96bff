using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Activities.Models;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Jobs;

/// <summary>Makes tokens of prompts: of texts as they are, or of conversations by a model's chat template.</summary>
/// <param name="tokenizer">The model's tokenizer.</param>
/// <param name="template">Its chat template; null for texts as they are.</param>
/// <param name="system">What the system says first in each conversation that does not begin so itself; null for nothing.</param>
public sealed class PromptEncoder(TextTokenizer tokenizer, ChatTemplate? template, string? system = null)
{
    private readonly List<AddedToken> _special = [.. tokenizer.AddedTokens.Where(token => token.IsSpecial)];

    /// <summary>A model's chat template; null when it has none.</summary>
    public static ChatTemplate? TemplateOf(ModelFolder model, string name = TokenizerConfig.DefaultTemplate) => ChatTemplate.Load(model.Path, name);

    /// <summary>Tokens of a prompt. With a template it is a conversation: a JSON array of messages, or a text that the user says.</summary>
    /// <exception cref="ChatTemplateException">The template does not take these messages.</exception>
    public int[] Encode(string text)
    {
        if (template is null) return tokenizer.Encode(text, addSpecialTokens: true);
        return Encode(Messages(text) ?? [new JsonObject { ["role"] = "user", ["content"] = text }]);
    }

    /// <summary>Tokens of what a user says, which is no JSON whatever it looks like.</summary>
    /// <param name="said">What the user says.</param>
    /// <param name="first">What the system says before; null for what the encoder was made with. Without a template it stands before the text.</param>
    /// <exception cref="ChatTemplateException">The template does not take these messages.</exception>
    public int[] Encode(string said, string? first)
    {
        if (template is null) return tokenizer.Encode(first is { Length: > 0 } ? $"{first}\n\n{said}" : said, addSpecialTokens: true);
        var messages = new JsonArray { new JsonObject { ["role"] = "user", ["content"] = said } };
        if (first is { Length: > 0 }) messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = first });
        return Encode(messages);
    }

    private int[] Encode(JsonArray messages)
    {
        if (system is not null && Role(messages[0]) != "system") messages.Insert(0, new JsonObject { ["role"] = "system", ["content"] = system });
        // What people say is plain text, whatever tokens it spells; the day on which a job goes on decides nothing.
        return tokenizer.Encode(template!.Render(JsonSerializer.SerializeToElement(Plain(messages)), addGenerationPrompt: true, clock: ChatTemplate.Undated));
    }

    private JsonNode? Plain(JsonNode? node) => node switch
    {
        JsonArray array => new JsonArray([.. array.Select(Plain)]),
        JsonObject members => new JsonObject(members.Select(member => KeyValuePair.Create(member.Key, Plain(member.Value)))),
        JsonValue value when value.TryGetValue<string>(out var text) => JsonValue.Create(ModelPrompt.Defuse(text, _special)),
        _ => node?.DeepClone(),
    };

    // A text may be an array of something else too.
    private static JsonArray? Messages(string text)
    {
        if (!text.StartsWith('[')) return null;
        try
        {
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }) is JsonArray { Count: > 0 } array && array.All(message => Role(message) is not null) ? array : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Role(JsonNode? message) => message is JsonObject members && members["role"] is JsonValue role && role.TryGetValue<string>(out var name) ? name : null;
}
