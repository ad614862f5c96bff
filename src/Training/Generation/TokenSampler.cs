using XInstruct.Domain.Statistics;
using XInstruct.Training.Tuning;

namespace XInstruct.Training.Generation;

/// <summary>How the next token is chosen. Filters run in the order of the members; the defaults choose the most probable token.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides positive and multiplies negative logits of tokens seen before (Keskar et al. 2019); 1 does nothing.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Forbids a token that would repeat a sequence of so many tokens; 0 does nothing.</summary>
    public int NoRepeatNgram { get; init; }

    /// <summary>Divides the logits; 0 takes the most probable token.</summary>
    public double Temperature { get; init; }

    /// <summary>Keeps so many of the most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the smallest set of most probable tokens whose probability reaches this (Holtzman et al. 2020); 1 keeps all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Drops tokens less probable than this share of the most probable one; 0 keeps all.</summary>
    public double MinP { get; init; }

    /// <summary>Keeps the smallest set of tokens of the most typical information whose probability reaches this (Meister et al. 2022); 1 keeps all.</summary>
    public double TypicalP { get; init; } = 1;

    internal bool IsPlainGreedy => Temperature == 0 && RepetitionPenalty == 1 && NoRepeatNgram == 0;
}

/// <summary>Filters and draws over one row of logits. The filters give the values of the processors of Hugging Face transformers.</summary>
public static class TokenSampler
{
    /// <summary>Applies the filters in place; a removed token has −∞.</summary>
    /// <param name="logits">One row, changed in place.</param>
    /// <param name="history">Prompt and new tokens so far.</param>
    /// <param name="options">The filters.</param>
    public static void Filter(Span<float> logits, ReadOnlySpan<int> history, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.RepetitionPenalty != 1)
            LogitFilters.Penalize(logits, history, (float)options.RepetitionPenalty);
        if (options.NoRepeatNgram > 0)
            LogitFilters.BlockRepeats(logits, history, options.NoRepeatNgram);
        if (options.Temperature > 0 && options.Temperature != 1)
        {
            for (var i = 0; i < logits.Length; i++)
                logits[i] /= (float)options.Temperature;
        }
        if (options.TopK > 0 && options.TopK < logits.Length)
            LogitFilters.KeepTop(logits, options.TopK);
        if (options.TopP < 1)
            LogitFilters.KeepNucleus(logits, options.TopP);
        if (options.MinP > 0)
        {
            var floor = Max(logits) + Math.Log(options.MinP);
            for (var i = 0; i < logits.Length; i++)
            {
                if (logits[i] < floor)
                    logits[i] = float.NegativeInfinity;
            }
        }
        if (options.TypicalP < 1)
            LogitFilters.KeepTypical(logits, options.TypicalP);
    }

    /// <summary>The index of the highest logit, the lowest one among equals.</summary>
    public static int Greedy(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }

    /// <summary>Draws an index with the softmax of the logits.</summary>
    public static int Draw(ReadOnlySpan<float> logits, DeterministicRandom random)
    {
        ArgumentNullException.ThrowIfNull(random);
        var max = Max(logits);
        var total = 0.0;
        foreach (var logit in logits)
        {
            if (!float.IsNegativeInfinity(logit))
                total += Math.Exp(logit - max);
        }
        var left = random.NextDouble() * total;
        var last = 0;
        for (var i = 0; i < logits.Length; i++)
        {
            if (float.IsNegativeInfinity(logits[i]))
                continue;
            var weight = Math.Exp(logits[i] - max);
            if (weight == 0)
                continue;
            last = i;
            left -= weight;
            if (left < 0)
                return i;
        }
        // Rounding may leave a crumb after the last token.
        return last;
    }

    /// <summary>The natural logarithm of the softmax at one index.</summary>
    public static double LogProbability(ReadOnlySpan<float> logits, int index)
    {
        var max = Max(logits);
        var total = 0.0;
        foreach (var logit in logits)
            total += Math.Exp(logit - max);
        return logits[index] - max - Math.Log(total);
    }

    /// <summary>The highest logits, the best first, of equals the one with the lowest id.</summary>
    internal static (int Id, float Logit)[] Top(ReadOnlySpan<float> logits, int count)
    {
        var best = new List<(int Id, float Logit)>(count + 1);
        for (var i = 0; i < logits.Length && count > 0; i++)
        {
            if (best.Count == count && logits[i] <= best[^1].Logit)
                continue;
            var at = best.Count;
            while (at > 0 && best[at - 1].Logit < logits[i])
                at--;
            best.Insert(at, (i, logits[i]));
            if (best.Count > count)
                best.RemoveAt(count);
        }
        return [.. best];
    }

    internal static float Max(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
            max = Math.Max(max, logit);
        return max;
    }
}
