using System.Text.Json;
using XInstruct.Training.Chat.Jinja;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Training.Chat;

/// <summary>
/// A model's chat template: the text that a conversation is for the model. Templates are Jinja, in the part of it that chat templates use, with the
/// settings of Hugging Face (trim_blocks, lstrip_blocks); they come with the model and are not trusted, so a rendering has a limit of steps, of
/// the depth of calls and of the length of texts. Safe for use by several threads.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>Expressions and statements that one rendering may take.</summary>
    public const long MostSteps = 2_000_000;

    private readonly IReadOnlyList<Statement> _statements;
    private readonly IReadOnlyDictionary<string, string> _tokens;

    private ChatTemplate(string name, IReadOnlyList<Statement> statements, IReadOnlyDictionary<string, string> tokens) => (Name, _statements, _tokens) = (name, statements, tokens);

    /// <summary>Always 26 July 2024, the day that Llama 3's own templates name for want of a clock: what must not depend on the day it is made.</summary>
    public static TimeProvider Undated { get; } = new FixedClock();

    /// <summary>The name shown in errors.</summary>
    public string Name { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="name">Its name in errors.</param>
    /// <param name="tokens">What it can put out by name, such as <c>bos_token</c>.</param>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported.</exception>
    public static ChatTemplate Parse(string source, string name = "chat_template", IReadOnlyDictionary<string, string>? tokens = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(name, TemplateParser.Parse(name, source), tokens ?? new Dictionary<string, string>(StringComparer.Ordinal));
    }

    /// <summary>The template of a model folder, or null when it has none.</summary>
    /// <param name="folder">The folder with <c>tokenizer_config.json</c> or <c>chat_template.jinja</c>.</param>
    /// <param name="name">Which of several templates.</param>
    /// <exception cref="TokenizerFileException">The configuration cannot be read, or has templates but none of that name.</exception>
    /// <exception cref="ChatTemplateException">It is no template, or uses what is not supported.</exception>
    public static ChatTemplate? Load(string folder, string name = TokenizerConfig.DefaultTemplate)
    {
        var config = TokenizerConfig.Load(folder);
        if (config.ChatTemplates.Count == 0) return null;
        return config.ChatTemplates.TryGetValue(name, out var source)
            ? Parse(source, $"{folder}: chat template '{name}'", config.NamedTokens)
            : throw new TokenizerFileException(Path.Combine(folder, TokenizerConfig.FileName), "chat_template", $"has no template '{name}'; it has {string.Join(", ", config.ChatTemplates.Keys)}");
    }

    /// <summary>The text of a conversation.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="addGenerationPrompt">Whether it ends with what begins the model's answer.</param>
    /// <param name="clock">The time that <c>strftime_now</c> shows; null for now.</param>
    /// <exception cref="ChatTemplateException">The template refused the messages, ran into an error or a limit.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = false, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render(messages.Select(message => new Dictionary<string, string>(StringComparer.Ordinal) { ["role"] = message.Role, ["content"] = message.Content }), addGenerationPrompt, clock: clock);
    }

    /// <summary>The text of a conversation in JSON: an array of messages, which may have parts and tool calls.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="addGenerationPrompt">Whether it ends with what begins the model's answer.</param>
    /// <param name="variables">What else the template sees, such as <c>tools</c>: JSON, text, numbers, lists and dictionaries of them.</param>
    /// <param name="clock">The time that <c>strftime_now</c> shows.</param>
    /// <exception cref="ChatTemplateException">The template refused the messages, ran into an error or a limit.</exception>
    public string Render(JsonElement messages, bool addGenerationPrompt = false, IReadOnlyDictionary<string, object?>? variables = null, TimeProvider? clock = null)
        => Render((object)messages, addGenerationPrompt, variables, clock);

    private string Render(object messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null, TimeProvider? clock = null)
    {
        var limits = new Limits(MostSteps);
        var renderer = new Renderer(limits);
        try
        {
            var scope = new Scope(null);
            Functions.AddTo(scope, clock ?? TimeProvider.System);
            foreach (var (name, token) in _tokens) scope[name] = token;
            scope["messages"] = Values.From(messages);
            scope["add_generation_prompt"] = addGenerationPrompt;
            foreach (var (name, value) in variables ?? new Dictionary<string, object?>(StringComparer.Ordinal)) scope[name] = Values.From(value);
            return limits.Run(() => renderer.Run(_statements, scope));
        }
        catch (TemplateError error)
        {
            throw new ChatTemplateException(Name, renderer.Line, error.Message, error);
        }
        catch (InsufficientExecutionStackException error)
        {
            throw new ChatTemplateException(Name, renderer.Line, "the template is nested too deeply", error);
        }
    }

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 0, 0, 0, TimeSpan.Zero);
    }
}
