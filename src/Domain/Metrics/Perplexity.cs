namespace XInstruct.Domain.Metrics;

/// <summary>A piece of a long text for a model with a short context: only <paramref name="Continuation"/> is scored.</summary>
/// <param name="Context">Tokens before it.</param>
/// <param name="Continuation">Tokens to score.</param>
public sealed record TokenWindow(IReadOnlyList<int> Context, IReadOnlyList<int> Continuation);

/// <summary>How surprised a model is by texts; log-likelihoods are natural logarithms.</summary>
public static class Perplexity
{
    /// <summary>exp of the mean negative log-likelihood.</summary>
    /// <param name="logLikelihoods">Of each unit, a token for instance.</param>
    public static double Of(IReadOnlyList<double> logLikelihoods) => Math.Exp(-logLikelihoods.Average());

    /// <summary>exp of the negative log-likelihood of all texts over their length together.</summary>
    /// <param name="texts">Log-likelihood and length (words, bytes) of each.</param>
    public static double OfTexts(IReadOnlyList<(double LogLikelihood, double Length)> texts) => Math.Exp(-PerUnit(texts));

    /// <summary>Bits a byte, where lengths are bytes.</summary>
    public static double BitsPerByte(IReadOnlyList<(double LogLikelihood, double Length)> texts) => -PerUnit(texts) / Math.Log(2);

    /// <summary>Windows that score each token of a text once: each but the first keeps so much of the text before it that input and context fit the model.</summary>
    /// <param name="tokens">The text.</param>
    /// <param name="prefix">Stands before the first token.</param>
    /// <param name="most">Tokens that the model reads at once.</param>
    /// <param name="context">Tokens before what a window after the first scores, at least; from 1 to <paramref name="most"/>.</param>
    public static IEnumerable<TokenWindow> Windows(IReadOnlyList<int> tokens, int prefix, int most, int context)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(context);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(context, most);
        if (tokens.Count == 0) yield break;
        var done = Math.Min(most, tokens.Count);
        yield return new TokenWindow([prefix], [.. tokens.Take(done)]);
        while (done < tokens.Count)
        {
            var count = Math.Min(most - context + 1, tokens.Count - done);
            var end = done + count;
            var first = end - most - 1;
            yield return new TokenWindow([.. tokens.Skip(first).Take(done - first)], [.. tokens.Skip(done).Take(count)]);
            done = end;
        }
    }

    private static double PerUnit(IReadOnlyList<(double LogLikelihood, double Length)> texts) => texts.Sum(t => t.LogLikelihood) / texts.Sum(t => t.Length);
}
