namespace XInstruct.Domain.Metrics;

/// <summary>Precision, recall and their harmonic mean; 0 to 1.</summary>
/// <param name="Precision">Share of the output that the reference has.</param>
/// <param name="Recall">Share of the reference that the output has.</param>
public readonly record struct Overlap(double Precision, double Recall)
{
    /// <summary>2PR / (P + R); 0 when both are.</summary>
    public double FMeasure => Precision + Recall == 0 ? 0 : 2 * Precision * Recall / (Precision + Recall);

    /// <summary>Of counts; an empty side gives 0.</summary>
    internal static Overlap Of(int shared, int output, int reference) => new(shared / (double)Math.Max(1, output), shared / (double)Math.Max(1, reference));
}

/// <summary>ROUGE (Lin 2004) over words, which <see cref="RougeWords"/> or the caller cuts.</summary>
public static class Rouge
{
    /// <summary>ROUGE-N: shared n-grams.</summary>
    public static Overlap OfNgrams(IReadOnlyList<string> output, IReadOnlyList<string> reference, int order)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(reference);
        var (a, b) = (Ngrams.Count(output, order), Ngrams.Count(reference, order));
        return Overlap.Of(Ngrams.Shared(a, b), a.Values.Sum(), b.Values.Sum());
    }

    /// <summary>ROUGE-L: the longest common subsequence.</summary>
    public static Overlap OfSubsequence(IReadOnlyList<string> output, IReadOnlyList<string> reference)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(reference);
        // One row is enough for the length.
        var lengths = new int[reference.Count + 1];
        foreach (var word in output)
        {
            var diagonal = 0;
            for (var j = 1; j <= reference.Count; j++)
            {
                var above = lengths[j];
                lengths[j] = word == reference[j - 1] ? diagonal + 1 : Math.Max(above, lengths[j - 1]);
                diagonal = above;
            }
        }

        return output.Count == 0 || reference.Count == 0 ? default : Overlap.Of(lengths[^1], output.Count, reference.Count);
    }

    /// <summary>ROUGE-Lsum: for each sentence of the reference the union of its longest common subsequences with the output's sentences, a word no more often than either text has it.</summary>
    /// <param name="output">Words of each sentence of the output.</param>
    /// <param name="reference">Words of each sentence of the reference.</param>
    public static Overlap OfSummary(IReadOnlyList<IReadOnlyList<string>> output, IReadOnlyList<IReadOnlyList<string>> reference)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(reference);
        var (outputCounts, referenceCounts) = (Ngrams.Count([.. output.SelectMany(s => s)], 1), Ngrams.Count([.. reference.SelectMany(s => s)], 1));
        var (outputLength, referenceLength, shared) = (outputCounts.Values.Sum(), referenceCounts.Values.Sum(), 0);
        if (outputLength == 0 || referenceLength == 0) return default;
        foreach (var sentence in reference)
        {
            foreach (var place in output.SelectMany(other => Places(sentence, other)).Distinct().Order())
            {
                var word = sentence[place];
                if (outputCounts.GetValueOrDefault(word) == 0 || referenceCounts[word] == 0) continue;
                outputCounts[word]--;
                referenceCounts[word]--;
                shared++;
            }
        }

        return Overlap.Of(shared, outputLength, referenceLength);
    }

    /// <summary>Which words of a sentence belong to a longest common subsequence: of several the one found from the end on, going back in the other text only for more.</summary>
    private static IEnumerable<int> Places(IReadOnlyList<string> sentence, IReadOnlyList<string> other)
    {
        var lengths = new int[sentence.Count + 1, other.Count + 1];
        for (var i = 1; i <= sentence.Count; i++)
        {
            for (var j = 1; j <= other.Count; j++)
                lengths[i, j] = sentence[i - 1] == other[j - 1] ? lengths[i - 1, j - 1] + 1 : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
        }

        for (var (i, j) = (sentence.Count, other.Count); i > 0 && j > 0;)
        {
            if (sentence[i - 1] == other[j - 1])
            {
                yield return i - 1;
                i--;
                j--;
            }
            else if (lengths[i, j - 1] > lengths[i - 1, j])
            {
                j--;
            }
            else
            {
                i--;
            }
        }
    }
}
