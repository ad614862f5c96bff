using XInstruct.Domain.Costs;

namespace XInstruct.Activities.Endpoints;

/// <summary>One call: a system and a user message, and how the reply is to be written.</summary>
/// <param name="System">System message.</param>
/// <param name="User">User message.</param>
/// <param name="MaxTokens">Longest reply.</param>
/// <param name="Temperature">0 is greedy.</param>
/// <param name="TopP">1 is off.</param>
/// <param name="Seed">For endpoints that can repeat themselves; sent when the temperature is above 0.</param>
/// <param name="LogProbabilities">Ask for log-probabilities.</param>
/// <param name="Format">Ask for JSON; null for plain text.</param>
/// <param name="TopLogProbabilities">Ask for so many of the likeliest tokens, and take those of the first token for the reply (<see cref="FirstTokens"/>); 0 for none.</param>
public sealed record ChatRequest(
    string System, string User, int MaxTokens, double Temperature, double TopP, int Seed, bool LogProbabilities, ReplyFormat? Format = null, int TopLogProbabilities = 0)
{
    /// <summary>Tokens read, at most. A schema counts as a message.</summary>
    public int TokensAtMost { get; } = TokenEstimate.AtMost(Format is null ? [System, User] : [System, User, Format.Schema]);

    /// <summary>Tokens read, about.</summary>
    public int TokensLikely { get; } = TokenEstimate.Likely(System) + TokenEstimate.Likely(User) + TokenEstimate.Likely(Format?.Schema ?? "");
}

/// <summary>What a call came to.</summary>
public abstract record ChatOutcome;

/// <summary>A reply.</summary>
/// <param name="Text">What the model wrote, or the likeliest first tokens where these were asked for.</param>
/// <param name="TokensIn">Tokens read; an estimate when the endpoint does not say.</param>
/// <param name="TokensOut">Tokens written; likewise.</param>
/// <param name="LogProbability">Mean log-probability of its tokens, natural logarithm; null when the endpoint has none.</param>
/// <param name="IsCutOff">It ended because it reached the limit.</param>
public sealed record ChatReply(string Text, long TokensIn, long TokensOut, double? LogProbability, bool IsCutOff) : ChatOutcome;

/// <summary>This row will never have a reply; others may.</summary>
/// <param name="Reason">Why, in a word (docs/api.md).</param>
/// <param name="TokensIn">Tokens that were paid all the same.</param>
/// <param name="TokensOut">Likewise.</param>
public sealed record ChatRefusal(string Reason, long TokensIn = 0, long TokensOut = 0) : ChatOutcome;

/// <summary>No reply this time; the same call may have one later.</summary>
/// <param name="Reason">Why, in a word.</param>
/// <param name="RetryAfter">How long the endpoint asks to be left alone.</param>
/// <param name="IsEarly">It only came too early (429).</param>
/// <param name="MayBePaid">The work may have been done, and the reply lost.</param>
/// <param name="Tokens">What was paid for a reply that is of no use; null when that is not known.</param>
public sealed record ChatFailure(string Reason, TimeSpan? RetryAfter = null, bool IsEarly = false, bool MayBePaid = false, (long In, long Out)? Tokens = null) : ChatOutcome;

/// <summary>Nobody is at the endpoint: the call never arrived, and cost nothing.</summary>
/// <param name="Cause">What is wrong with the way there.</param>
public sealed record ChatMiss(string Cause) : ChatOutcome;

/// <summary>No call will have a reply until somebody mends something: the run stops.</summary>
/// <param name="Message">What is wrong and what to do.</param>
/// <param name="Tokens">What was paid for the call that found it out; null for nothing.</param>
public sealed record ChatStop(string Message, (long In, long Out)? Tokens = null) : ChatOutcome;

/// <summary>A model that answers in text: the process boundary.</summary>
public interface IChatEndpoint
{
    /// <summary>Makes one call, without hidden retries.</summary>
    /// <exception cref="OperationCanceledException">Only when <paramref name="ct"/> is cancelled.</exception>
    Task<ChatOutcome> AskAsync(ChatRequest request, CancellationToken ct);
}
