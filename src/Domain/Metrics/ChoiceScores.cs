using System.Text;

namespace XInstruct.Domain.Metrics;

/// <summary>By what a choice's log-likelihood is divided before the best is taken.</summary>
public enum ChoiceNormalization
{
    /// <summary>Nothing: lm-evaluation-harness's acc.</summary>
    Sum,

    /// <summary>Its tokens.</summary>
    Token,

    /// <summary>Its code points: lm-evaluation-harness's acc_norm counts them so.</summary>
    Character,

    /// <summary>Its bytes in UTF-8.</summary>
    Byte,
}

/// <summary>A choice that a model gave a likelihood to.</summary>
/// <param name="Text">The choice.</param>
/// <param name="LogLikelihood">Natural logarithm of its probability after the prompt.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="IsGreedy">Whether each of its tokens is the most probable one.</param>
public sealed record ScoredChoice(string Text, double LogLikelihood, int Tokens, bool IsGreedy);

/// <summary>Rank classification: the choice with the highest score is the prediction.</summary>
public static class ChoiceScores
{
    /// <summary>The best choice; of equally good ones the first.</summary>
    public static int Best(IReadOnlyList<ScoredChoice> choices, ChoiceNormalization normalization)
    {
        ArgumentNullException.ThrowIfNull(choices);
        var scores = choices.Select(choice => choice.LogLikelihood / Length(choice, normalization)).ToArray();
        return Array.IndexOf(scores, scores.Max());
    }

    /// <summary>Each choice's share of the probability of all.</summary>
    public static double[] Probabilities(IReadOnlyList<ScoredChoice> choices)
    {
        ArgumentNullException.ThrowIfNull(choices);
        var most = choices.Max(choice => choice.LogLikelihood);
        var each = choices.Select(choice => Math.Exp(choice.LogLikelihood - most)).ToArray();
        return [.. each.Select(value => value / each.Sum())];
    }

    private static double Length(ScoredChoice choice, ChoiceNormalization normalization) => normalization switch
    {
        ChoiceNormalization.Token => choice.Tokens,
        ChoiceNormalization.Character => choice.Text.EnumerateRunes().Count(),
        ChoiceNormalization.Byte => Encoding.UTF8.GetByteCount(choice.Text),
        _ => 1,
    };
}
