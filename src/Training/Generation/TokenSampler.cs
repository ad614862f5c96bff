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
            Penalize(logits, history, (float)options.RepetitionPenalty);
        if (options.NoRepeatNgram > 0)
            BlockRepeats(logits, history, options.NoRepeatNgram);
        if (options.Temperature > 0 && options.Temperature != 1)
        {
            for (var i = 0; i < logits.Length; i++)
                logits[i] /= (float)options.Temperature;
        }
        if (options.TopK > 0 && options.TopK < logits.Length)
            KeepTop(logits, options.TopK);
        if (options.TopP < 1)
            KeepNucleus(logits, options.TopP);
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
            KeepTypical(logits, options.TypicalP);
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
            total += Math.Exp(logit - max);
        var left = random.NextDouble() * total;
        var last = 0;
        for (var i = 0; i < logits.Length; i++)
        {
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

    /// <summary>The natural logarithm of the sum of the exponentials: what is taken from a logit to get its log-probability.</summary>
    public static double LogTotal(ReadOnlySpan<float> logits)
    {
        var max = Max(logits);
        var total = 0.0;
        foreach (var logit in logits)
            total += Math.Exp(logit - max);
        return max + Math.Log(total);
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

    private static void Penalize(Span<float> logits, ReadOnlySpan<int> history, float penalty)
    {
        var seen = new HashSet<int>();
        foreach (var token in history)
        {
            if (seen.Add(token))
                logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
        }
    }

    private static void BlockRepeats(Span<float> logits, ReadOnlySpan<int> history, int size)
    {
        if (history.Length + 1 < size)
            return;
        var tail = history[(history.Length - size + 1)..];
        for (var i = 0; i + size <= history.Length; i++)
        {
            if (history.Slice(i, size - 1).SequenceEqual(tail))
                logits[history[i + size - 1]] = float.NegativeInfinity;
        }
    }

    private static void KeepTop(Span<float> logits, int count)
    {
        var sorted = logits.ToArray();
        Array.Sort(sorted);
        var lowest = sorted[^count];
        for (var i = 0; i < logits.Length; i++)
        {
            if (logits[i] < lowest)
                logits[i] = float.NegativeInfinity;
        }
    }

    private static void KeepNucleus(Span<float> logits, double share)
    {
        var values = logits.ToArray();
        var order = new int[values.Length];
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(values, order);
        var max = values[^1];
        var total = values.Sum(value => Math.Exp(value - max));
        var below = 0.0;
        // From the least probable on: a token goes while all up to it hold no more than what may be lost; the best always stays.
        for (var i = 0; i + 1 < order.Length; i++)
        {
            below += Math.Exp(values[i] - max) / total;
            if (below > 1 - share)
                break;
            logits[order[i]] = float.NegativeInfinity;
        }
    }

    private static void KeepTypical(Span<float> logits, double share)
    {
        var values = logits.ToArray();
        var max = Max(logits);
        var total = Math.Log(values.Sum(value => Math.Exp(value - max))) + max;
        var entropy = values.Sum(value => float.IsNegativeInfinity(value) ? 0 : -Math.Exp(value - total) * (value - total));
        // A stable sort: of equally typical tokens the first stay.
        var order = Enumerable.Range(0, values.Length).OrderBy(i => Math.Abs(total - values[i] - entropy)).ToArray();
        var mass = 0.0;
        var kept = 0;
        while (kept < order.Length && (kept == 0 || mass < share))
            mass += Math.Exp(values[order[kept++]] - total);
        foreach (var i in order[kept..])
            logits[i] = float.NegativeInfinity;
    }

    private static float Max(ReadOnlySpan<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var logit in logits)
            max = Math.Max(max, logit);
        return max;
    }
}
