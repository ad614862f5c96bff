using System.Buffers;

namespace XInstruct.Training.Generation;

/// <summary>The filters of <see cref="TokenSampler"/>: each sets tokens to −∞. None sorts more of the vocabulary than it must.</summary>
internal static class LogitFilters
{
    // Logits down to so many below the best are told apart in classes, of so many a unit.
    private const int Depth = 64;
    private const int ClassesPerUnit = 8;

    public static void Penalize(Span<float> logits, ReadOnlySpan<int> history, float penalty)
    {
        var seen = new HashSet<int>();
        foreach (var token in history)
        {
            if (seen.Add(token))
                logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty;
        }
    }

    public static void BlockRepeats(Span<float> logits, ReadOnlySpan<int> history, int size)
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

    public static void KeepTop(Span<float> logits, int count)
    {
        var lowest = Largest(logits, count);
        for (var i = 0; i < logits.Length; i++)
        {
            if (logits[i] < lowest)
                logits[i] = float.NegativeInfinity;
        }
    }

    /// <summary>From the least probable on, a token goes while all up to it hold no more than what may be lost; the best always stays.</summary>
    public static void KeepNucleus(Span<float> logits, double share)
    {
        var max = TokenSampler.Max(logits);
        Span<double> mass = stackalloc double[(Depth * ClassesPerUnit) + 1];
        mass.Clear();
        var total = 0.0;
        foreach (var logit in logits)
        {
            if (float.IsNegativeInfinity(logit))
                continue;
            var weight = Math.Exp(logit - max);
            mass[Class(logit, max)] += weight;
            total += weight;
        }

        // Whole classes go without being sorted.
        var (last, below) = (mass.Length - 1, 0.0);
        while (last > 0 && below + mass[last] <= (1 - share) * total)
            below += mass[last--];
        var edge = new List<(float Logit, int Place)>();
        for (var i = 0; i < logits.Length; i++)
        {
            if (float.IsNegativeInfinity(logits[i]))
                continue;
            var @class = Class(logits[i], max);
            if (@class > last)
                logits[i] = float.NegativeInfinity;
            else if (@class == last)
                edge.Add((logits[i], -i));
        }

        // Of equal ones the last goes first.
        edge.Sort();
        for (var i = 0; i < edge.Count && (last > 0 || i + 1 < edge.Count); i++)
        {
            below += Math.Exp(edge[i].Logit - max);
            if (below > (1 - share) * total)
                break;
            logits[-edge[i].Place] = float.NegativeInfinity;
        }
    }

    public static void KeepTypical(Span<float> logits, double share)
    {
        var max = TokenSampler.Max(logits);
        var mass = 0.0;
        foreach (var logit in logits)
            mass += float.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - max);
        var total = Math.Log(mass) + max;
        var entropy = 0.0;
        foreach (var logit in logits)
            entropy += float.IsNegativeInfinity(logit) ? 0 : -Math.Exp(logit - total) * (logit - total);
        var order = new List<(double Strangeness, int Id)>();
        for (var i = 0; i < logits.Length; i++)
        {
            if (!float.IsNegativeInfinity(logits[i]))
                order.Add((Math.Abs(total - logits[i] - entropy), i));
        }

        // Of equally typical tokens the first stay.
        order.Sort();
        mass = 0;
        var kept = 0;
        while (kept < order.Count && (kept == 0 || mass < share))
            mass += Math.Exp(logits[order[kept++].Id] - total);
        foreach (var (_, id) in order.Skip(kept))
            logits[id] = float.NegativeInfinity;
    }

    // 0 for the best ones; everything far below them is one class. NaN goes with the best.
    private static int Class(float logit, float max) => max - logit < Depth ? (int)((max - logit) * ClassesPerUnit) : logit < max ? Depth * ClassesPerUnit : 0;

    // The count-th largest (Hoare 1961).
    private static float Largest(ReadOnlySpan<float> logits, int count)
    {
        var pool = ArrayPool<float>.Shared.Rent(logits.Length);
        var values = pool.AsSpan(0, logits.Length);
        logits.CopyTo(values);
        var (place, low, high) = (logits.Length - count, 0, logits.Length - 1);
        while (low < high)
        {
            var pivot = values[(low + high) / 2];
            var (i, j) = (low, high);
            while (i <= j)
            {
                while (i <= high && values[i] < pivot)
                    i++;
                while (j >= low && values[j] > pivot)
                    j--;
                if (i > j)
                    break;
                (values[i], values[j]) = (values[j], values[i]);
                (i, j) = (i + 1, j - 1);
            }

            if (place <= j)
                high = j;
            else if (place >= i)
                low = i;
            else
                break;
        }

        var found = values[place];
        ArrayPool<float>.Shared.Return(pool);
        return found;
    }
}
