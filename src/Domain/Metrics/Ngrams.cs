namespace XInstruct.Domain.Metrics;

/// <summary>Runs of neighbouring words.</summary>
internal static class Ngrams
{
    /// <summary>How often each run of <paramref name="order"/> words occurs; none when there are fewer. Words hold no U+0000.</summary>
    public static Dictionary<string, int> Count(IReadOnlyList<string> words, int order)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i + order <= words.Count; i++)
        {
            var ngram = order == 1 ? words[i] : string.Join('\0', words.Skip(i).Take(order));
            counts[ngram] = counts.GetValueOrDefault(ngram) + 1;
        }

        return counts;
    }

    /// <summary>How many n-grams two texts share, each as often as in the one that has it less often.</summary>
    public static int Shared(Dictionary<string, int> a, Dictionary<string, int> b) => a.Sum(pair => Math.Min(pair.Value, b.GetValueOrDefault(pair.Key)));
}
