using System.Text;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Evaluation;

/// <summary>A token that may begin a reply.</summary>
/// <param name="Bytes">Its UTF-8 bytes, which may be a part of a character; null when they are not known.</param>
/// <param name="LogProbability">Natural logarithm.</param>
public sealed record LikelyToken(IReadOnlyList<byte>? Bytes, double LogProbability);

/// <summary>
/// Constrained decoding with no more than the likeliest first tokens: a label's score is the probability of those among them that begin it, and what the
/// others have together is the most that any score may lack.
/// </summary>
/// <param name="Scores">Of each label the probability of the told tokens that begin it. The true one lies between this and this plus <paramref name="Untold"/>.</param>
/// <param name="Untold">Probability of all tokens that are not told.</param>
/// <param name="Chosen">The label with the highest score; null when no told token begins any.</param>
/// <param name="IsTie">Several labels had the highest score and one of them was drawn.</param>
/// <param name="IsUncertain">The untold tokens could make another label the best.</param>
/// <param name="Shared">Told tokens that begin several labels: they count for each.</param>
public sealed record FirstTokenChoice(IReadOnlyList<double> Scores, double Untold, int? Chosen, bool IsTie, bool IsUncertain, int Shared)
{
    private static readonly byte[][] Blanks = [" "u8.ToArray(), "\u2581"u8.ToArray(), "\u0120"u8.ToArray()];

    /// <summary>Chooses.</summary>
    /// <param name="labels">The labels.</param>
    /// <param name="told">The likeliest first tokens.</param>
    /// <param name="seed">Breaks ties.</param>
    public static FirstTokenChoice Of(IReadOnlyList<string> labels, IReadOnlyList<LikelyToken> told, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(told);
        var texts = labels.Select(Encoding.UTF8.GetBytes).ToList();
        var (scores, known, shared) = (new double[labels.Count], 0.0, 0);
        foreach (var token in told)
        {
            if (token.Bytes is not { } bytes) continue;
            var probability = Math.Exp(Math.Min(0, token.LogProbability));
            known += probability;
            var begun = Enumerable.Range(0, labels.Count).Where(i => Begins([.. bytes], texts[i])).ToList();
            foreach (var label in begun) scores[label] += probability;
            if (begun.Count > 1) shared++;
        }

        var untold = Math.Max(0, 1 - known);
        var best = scores.Max();
        if (best <= 0) return new FirstTokenChoice(scores, untold, null, false, true, shared);
        var tied = Enumerable.Range(0, scores.Length).Where(i => scores[i].Equals(best)).ToList();
        var chosen = tied.Count == 1 ? tied[0] : tied[new DeterministicRandom(seed).Next(tied.Count)];
        var second = scores.Where((_, i) => i != chosen).Max();
        return new FirstTokenChoice(scores, untold, chosen, tied.Count > 1, best - second <= untold, shared);
    }

    // With or without one blank in front, as a tokenizer writes it.
    private static bool Begins(ReadOnlySpan<byte> token, ReadOnlySpan<byte> label)
    {
        if (token.Length > 0 && label.StartsWith(token)) return true;
        foreach (var blank in Blanks)
        {
            if (token.Length > blank.Length && token.StartsWith(blank) && label.StartsWith(token[blank.Length..])) return true;
        }

        return false;
    }
}
