using XInstruct.Domain.Statistics;

namespace XInstruct.Training.Generation;

/// <summary>
/// Draws among the most probable tokens alone, when they tell what the filters keep: for models on a device, from which a whole row of logits
/// would be a long way. What is drawn is what <see cref="TokenSampler"/> draws from the row, but for rounding.
/// </summary>
internal static class CandidateSampler
{
    /// <summary>Candidates that are fetched of a row.</summary>
    public const int Count = 512;

    /// <summary>Whether the options are such that candidates may do.</summary>
    public static bool MayDo(SamplingOptions options) =>
        options.Temperature > 0 && options.RepetitionPenalty == 1 && options.NoRepeatNgram == 0 && options.TypicalP >= 1 && (options.TopK > 0 || options.TopP < 1 || options.MinP > 0);

    /// <summary>The place of the drawn candidate; null when the candidates do not tell, and nothing is drawn then.</summary>
    /// <param name="logits">The highest logits divided by the temperature, descending.</param>
    /// <param name="ids">Their tokens.</param>
    /// <param name="total">Natural logarithm of the sum of the exponentials of all logits divided by the temperature.</param>
    /// <param name="vocabulary">How many logits there are.</param>
    /// <param name="options">The filters.</param>
    /// <param name="random">The request's sequence.</param>
    public static int? Draw(ReadOnlySpan<float> logits, ReadOnlySpan<int> ids, double total, int vocabulary, SamplingOptions options, DeterministicRandom random)
    {
        var (kept, isKnown, mass) = (logits.Length, logits.Length == vocabulary, Math.Exp(total - logits[0]));
        if (options.TopK > 0 && options.TopK < vocabulary)
        {
            if (options.TopK > kept) return null;
            var lowest = logits[options.TopK - 1];
            for (kept = options.TopK; kept < logits.Length && logits[kept] == lowest;) kept++;
            // More as good as the last may follow.
            if (kept == logits.Length && !isKnown) return null;
            (isKnown, mass) = (true, 0);
            for (var i = 0; i < kept; i++) mass += Math.Exp(logits[i] - logits[0]);
        }

        if (options.TopP < 1)
        {
            var (above, nucleus) = (Math.Exp(0.0), 1);
            while (nucleus < kept && above < options.TopP * mass) above += Math.Exp(logits[nucleus++] - logits[0]);
            if (nucleus == kept && above < options.TopP * mass && !isKnown) return null;
            (kept, isKnown) = (nucleus, true);
        }

        if (options.MinP > 0)
        {
            var floor = logits[0] + Math.Log(options.MinP);
            var most = kept;
            for (kept = 1; kept < most && logits[kept] >= floor;) kept++;
            if (kept == logits.Length && !isKnown) return null;
        }

        // In the order of the vocabulary, as from a row.
        Span<(int Id, int Place)> order = stackalloc (int, int)[kept];
        Span<float> values = stackalloc float[kept];
        for (var i = 0; i < kept; i++) order[i] = (ids[i], i);
        order.Sort();
        for (var i = 0; i < kept; i++) values[i] = logits[order[i].Place];
        return order[TokenSampler.Draw(values, random)].Place;
    }
}
