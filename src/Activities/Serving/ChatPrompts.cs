using XInstruct.Activities.Models;
using XInstruct.Training.Chat;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Serving;

/// <summary>How a conversation becomes the tokens of a prompt. What a message says is text: a special token that it spells is none.</summary>
public sealed class ChatPrompts
{
    // As a recipe's student is trained (models.student.prompt): such a model knows one question and no conversation.
    private const string Student = "<|instruction|>{{ messages[-1].content }}<|text|>";
    private const string Transcript = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n\n{% endfor %}assistant:";

    private readonly TextTokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly bool _addsSpecialTokens;

    private ChatPrompts(TextTokenizer tokenizer, ChatTemplate template, string? note, bool addsSpecialTokens, IReadOnlyList<string> stops) =>
        (_tokenizer, _template, Note, _addsSpecialTokens, Stops) = (tokenizer, template, note, addsSpecialTokens, stops);

    /// <summary>What is done for want of a chat template of the model's own; null when it has one.</summary>
    public string? Note { get; }

    /// <summary>Texts that end every reply, beside those that a caller names.</summary>
    public IReadOnlyList<string> Stops { get; }

    /// <summary>The model's own way, or another.</summary>
    /// <param name="folder">Model folder.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="template">A template in place of the model's: a file, or the template itself; null for the model's.</param>
    /// <exception cref="TokenizerFileException">The folder's files are damaged.</exception>
    /// <exception cref="ChatTemplateException">The template cannot be read.</exception>
    public static ChatPrompts Of(string folder, TextTokenizer tokenizer, string? template = null)
    {
        if (template is not null)
        {
            var (source, name) = File.Exists(template) ? (File.ReadAllText(template), template) : (template, "chat template");
            var given = ChatTemplate.Parse(source, name, TokenizerConfig.Load(folder).NamedTokens);
            return new ChatPrompts(tokenizer, given, null, addsSpecialTokens: false, []);
        }

        if (ChatTemplate.Load(folder) is { } own) return new ChatPrompts(tokenizer, own, null, addsSpecialTokens: false, []);
        if (tokenizer.FindId("<|instruction|>") is not null && tokenizer.FindId("<|text|>") is not null)
        {
            return new ChatPrompts(
                tokenizer,
                ChatTemplate.Parse(Student),
                "The model has no chat template. It gets the last message as XInstruct's students are asked, and forgets what came before.",
                addsSpecialTokens: false,
                []);
        }

        return new ChatPrompts(
            tokenizer,
            ChatTemplate.Parse(Transcript),
            "The model has no chat template. It gets the conversation as lines 'user: …' and 'assistant: …' and may not know when to stop.",
            addsSpecialTokens: true,
            ["\nuser:", "\nsystem:"]);
    }

    /// <summary>The prompt of the reply that follows.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the messages, or ran into an error or a limit.</exception>
    public int[] Encode(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var special = _tokenizer.AddedTokens.Where(token => token.IsSpecial).ToList();
        var plain = messages.Select(message => message with { Content = ModelPrompt.Defuse(message.Content, special) }).ToList();
        return _tokenizer.Encode(_template.Render(plain, addGenerationPrompt: true), _addsSpecialTokens);
    }
}
