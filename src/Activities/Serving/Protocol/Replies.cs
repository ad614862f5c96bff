using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace XInstruct.Activities.Serving.Protocol;

/// <summary>Replies in the words of the OpenAI API; members are written in snake case.</summary>
internal static class Replies
{
    /// <summary>How they are written: text as it is, in UTF-8.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}

/// <summary>Tokens that a request took.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens)
{
    public int TotalTokens => PromptTokens + CompletionTokens;
}

/// <summary>A model.</summary>
internal sealed record ModelReply(string Id, long Created, int MaxModelLen)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "xinstruct";
}

/// <summary>All models.</summary>
internal sealed record ModelListReply(IReadOnlyList<ModelReply> Data)
{
    public string Object { get; } = "list";
}

/// <summary>A token that could stand at a place.</summary>
/// <param name="Token">Its text; parts of a character show as U+FFFD.</param>
/// <param name="Logprob">Natural logarithm of its probability; -9999 for 0.</param>
/// <param name="Bytes">UTF-8 of its text; null for parts of a character.</param>
internal record TokenReply(string Token, double Logprob, IReadOnlyList<int>? Bytes);

/// <summary>The token of a place, and the most probable ones there.</summary>
internal sealed record ChosenTokenReply(string Token, double Logprob, IReadOnlyList<int>? Bytes, IReadOnlyList<TokenReply> TopLogprobs) : TokenReply(Token, Logprob, Bytes);

/// <summary>Log-probabilities of a chat reply.</summary>
internal sealed record ChatLogprobs(IReadOnlyList<ChosenTokenReply> Content)
{
    public string? Refusal { get; }
}

/// <summary>A message of the model.</summary>
internal sealed record MessageReply(string Content)
{
    public string Role { get; } = "assistant";

    public string? Refusal { get; }
}

/// <summary>A reply of a chat.</summary>
internal sealed record ChatChoice(int Index, MessageReply Message, ChatLogprobs? Logprobs, string FinishReason);

/// <summary>A whole chat completion.</summary>
internal sealed record ChatReply(string Id, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage Usage)
{
    public string Object { get; } = "chat.completion";

    public string? SystemFingerprint { get; }
}

/// <summary>What a chunk adds to a message.</summary>
internal sealed record MessageDelta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null);

/// <summary>What a chunk adds to a reply.</summary>
internal sealed record ChatChunkChoice(int Index, MessageDelta Delta, ChatLogprobs? Logprobs, string? FinishReason);

/// <summary>A piece of a chat completion.</summary>
internal sealed record ChatChunk(
    string Id,
    long Created,
    string Model,
    IReadOnlyList<ChatChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage)
{
    public string Object { get; } = "chat.completion.chunk";

    public string? SystemFingerprint { get; }
}

/// <summary>Log-probabilities of a plain completion.</summary>
/// <param name="Tokens">Texts of the tokens.</param>
/// <param name="TokenLogprobs">Of each; null for the first token of a prompt.</param>
/// <param name="TopLogprobs">The most probable ones at each place; null when none are asked for.</param>
/// <param name="TextOffset">Where each begins in the text, in code points.</param>
internal sealed record PlainLogprobs(
    IReadOnlyList<string> Tokens, IReadOnlyList<double?> TokenLogprobs, IReadOnlyList<IReadOnlyDictionary<string, double>?>? TopLogprobs, IReadOnlyList<int> TextOffset);

/// <summary>A plain completion; in a stream, a piece of one.</summary>
internal sealed record PlainChoice(string Text, int Index, PlainLogprobs? Logprobs, string? FinishReason);

/// <summary>Plain completions; in a stream, a piece of them.</summary>
internal sealed record PlainReply(
    string Id,
    long Created,
    string Model,
    IReadOnlyList<PlainChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage)
{
    public string Object { get; } = "text_completion";

    public string? SystemFingerprint { get; }
}
