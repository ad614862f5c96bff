namespace XInstruct.Training.Generation;

/// <summary>One prompt to continue.</summary>
/// <param name="Prompt">Token ids; at least one.</param>
public sealed record EngineRequest(IReadOnlyList<int> Prompt)
{
    /// <summary>New tokens at most, at least 1; fewer when the context ends before.</summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>How the next token is chosen.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Of the request's own random sequence: the same tokens whatever else is worked on.</summary>
    public ulong Seed { get; init; }

    /// <summary>Ids that end the continuation.</summary>
    public IReadOnlyList<int> StopIds { get; init; } = [];

    /// <summary>Texts that end the continuation; they and what follows are no part of its text. They need an engine with a tokenizer.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>How many of the most probable tokens are told with each token.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Whether the text leaves special tokens out.</summary>
    public bool SkipSpecialTokens { get; init; } = true;
}

/// <summary>Why a continuation ended.</summary>
public enum FinishReason
{
    /// <summary>A stop id or a stop text came.</summary>
    Stop,

    /// <summary>There are as many tokens as asked for, or the context is full.</summary>
    Length,

    /// <summary>It was cancelled, or the engine was disposed.</summary>
    Cancelled,
}

/// <summary>A token of a continuation. When a stop id ended it, that is the last one.</summary>
/// <param name="Id">The id.</param>
/// <param name="Text">The text that is certain since the token before, often empty: never part of a character, and nothing that a stop text may begin with.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the model itself, before any filter.</param>
/// <param name="Alternatives">The most probable tokens, the best first, when asked for.</param>
public sealed record GeneratedToken(int Id, string Text, float LogProbability, IReadOnlyList<TokenAlternative> Alternatives);

/// <summary>A token that might have come.</summary>
/// <param name="Id">The id.</param>
/// <param name="LogProbability">Natural logarithm of its probability under the model itself.</param>
public sealed record TokenAlternative(int Id, float LogProbability);

/// <summary>What an engine does now and has done.</summary>
/// <param name="Waiting">Requests not begun.</param>
/// <param name="Running">Requests being worked on.</param>
/// <param name="PromptTokens">Prompt tokens worked out.</param>
/// <param name="ReusedTokens">Prompt tokens found in the prefix cache.</param>
/// <param name="NewTokens">Tokens generated.</param>
/// <param name="Steps">Steps made.</param>
public sealed record EngineStatus(int Waiting, int Running, long PromptTokens, long ReusedTokens, long NewTokens, long Steps);

/// <summary>A prompt leaves no room in the context for a new token.</summary>
public sealed class PromptTooLongException(int promptTokens, int context)
    : ArgumentException($"The prompt has {promptTokens} tokens; with at least one new token it must fit the context of {context}. Shorten it, or raise the context where the model allows it.")
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; } = promptTokens;

    /// <summary>Tokens that fit.</summary>
    public int Context { get; } = context;
}

/// <summary>As many requests wait as may; try again later.</summary>
public sealed class EngineBusyException(int waiting)
    : InvalidOperationException($"{waiting} requests wait already. Try again later, or allow more to wait.")
{
    /// <summary>Requests that wait.</summary>
    public int Waiting { get; } = waiting;
}

/// <summary>A request failed; others did not.</summary>
public sealed class GenerationFailedException(string message, Exception? inner = null) : Exception(message, inner);
