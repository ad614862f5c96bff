using XInstruct.Training.Generation;

namespace XInstruct.Activities.Serving;

/// <summary>One reply to write.</summary>
/// <param name="Prompt">Token ids; at least one.</param>
/// <param name="MaxNewTokens">New tokens at most.</param>
/// <param name="Sampling">How the next token is chosen.</param>
/// <param name="Seed">Seed of its own random sequence.</param>
/// <param name="Stops">Texts that end the reply and are no part of it.</param>
/// <param name="Alternatives">So many of the most probable tokens are told at each place.</param>
public sealed record TextRequest(int[] Prompt, int MaxNewTokens, SamplingOptions Sampling, ulong Seed, IReadOnlyList<string> Stops, int Alternatives = 0);

/// <summary>A token that could stand at a place.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">Natural logarithm, under the model itself.</param>
public readonly record struct TokenChance(int Id, double LogProbability);

/// <summary>A step of a reply.</summary>
/// <param name="Id">The token; null where only text that was held back comes, and for the token that ends the reply.</param>
/// <param name="Text">Text that is certain now.</param>
/// <param name="LogProbability">Of the token.</param>
/// <param name="Alternatives">The most probable tokens at its place.</param>
/// <param name="Finish">Why the reply ends here, <c>stop</c> or <c>length</c>; null when it goes on.</param>
/// <param name="Written">Tokens that the step took: 1, or 0 where only text comes that was held back.</param>
public sealed record TextStep(int? Id, string Text, double LogProbability, IReadOnlyList<TokenChance> Alternatives, string? Finish, int Written = 1);

/// <summary>What writes replies: the boundary to the model. Safe for use by several threads.</summary>
public interface ITextWriter
{
    /// <summary>Writes a reply; the last step, and only that, has a finish. Who stops reading early stops the writing.</summary>
    IAsyncEnumerable<TextStep> WriteAsync(TextRequest request, CancellationToken ct);
}
