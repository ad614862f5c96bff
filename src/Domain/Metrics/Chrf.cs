using System.Text;

namespace XInstruct.Domain.Metrics;

/// <summary>How chrF is counted.</summary>
public sealed record ChrfOptions
{
    /// <summary>The longest run of characters.</summary>
    public int CharacterOrder { get; init; } = 6;

    /// <summary>The longest run of words: 0 for chrF, 2 for chrF++.</summary>
    public int WordOrder { get; init; }

    /// <summary>How many times as much recall counts as precision.</summary>
    public double Beta { get; init; } = 2;

    /// <summary>Whether capitals count as small letters.</summary>
    public bool Lowercase { get; init; }
}

/// <summary>chrF and chrF++ (Popović 2015, 2017) as sacreBLEU 2.5.1 computes them: 0 to 100, over code points, white space left out.</summary>
public static class Chrf
{
    private const string AsciiPunctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>Of one sentence: of the references the one that fits best.</summary>
    public static double OfSentence(string output, IReadOnlyList<string> references, ChrfOptions options) => OfCorpus([(output, references)], options);

    /// <summary>Of a corpus: counts against each sentence's best reference are summed before anything is divided.</summary>
    public static double OfCorpus(IEnumerable<(string Output, IReadOnlyList<string> References)> sentences, ChrfOptions options)
    {
        ArgumentNullException.ThrowIfNull(sentences);
        ArgumentNullException.ThrowIfNull(options);
        var sums = new double[3 * (options.CharacterOrder + options.WordOrder)];
        foreach (var (output, references) in sentences)
        {
            var counts = Counts(output, references, options);
            for (var i = 0; i < sums.Length; i++) sums[i] += counts[i];
        }

        return OfCounts(sums, options);
    }

    /// <summary>What a sentence adds to a corpus: of each order the runs of the output, of the reference that fits best, and those of both.</summary>
    internal static double[] Counts(string output, IReadOnlyList<string> references, ChrfOptions options)
    {
        var counts = Count(output, options);
        var best = references.Select(reference => Compare(counts, Count(reference, options))).MaxBy(orders => Score(orders, options.Beta))!;
        return [.. best.SelectMany(order => (double[])[order.Output, order.Reference, order.Shared])];
    }

    /// <summary>The score of summed <see cref="Counts"/>.</summary>
    internal static double OfCounts(double[] sums, ChrfOptions options) =>
        Score([.. sums.Chunk(3).Select(order => ((int)order[0], (int)order[1], (int)order[2]))], options.Beta);

    private static Dictionary<string, int>[] Count(string text, ChrfOptions options)
    {
        if (options.Lowercase) text = text.ToLowerInvariant();
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        string[] characters = [.. words.SelectMany(word => word.EnumerateRunes()).Select(rune => rune.ToString())];
        string[] apart = [.. words.SelectMany(WithoutPunctuation)];
        return
        [
            .. Enumerable.Range(1, options.CharacterOrder).Select(order => Ngrams.Count(characters, order)),
            .. Enumerable.Range(1, options.WordOrder).Select(order => Ngrams.Count(apart, order)),
        ];
    }

    // Of a word that ends or begins in punctuation one character is cut off, the last before the first.
    private static string[] WithoutPunctuation(string word)
    {
        if (word.EnumerateRunes().Take(2).Count() == 1) return [word];
        if (AsciiPunctuation.Contains(word[^1], StringComparison.Ordinal)) return [word[..^1], word[^1..]];
        return AsciiPunctuation.Contains(word[0], StringComparison.Ordinal) ? [word[..1], word[1..]] : [word];
    }

    private static (int Output, int Reference, int Shared)[] Compare(Dictionary<string, int>[] output, Dictionary<string, int>[] reference) =>
        [.. output.Zip(reference, (a, b) => (b.Count == 0 ? 0 : a.Values.Sum(), b.Values.Sum(), Ngrams.Shared(a, b)))];

    // Orders that one side is too short for say nothing.
    private static double Score((int Output, int Reference, int Shared)[] orders, double beta)
    {
        var counted = orders.Where(order => order is { Output: > 0, Reference: > 0 }).ToArray();
        if (counted.Length == 0) return 0;
        var precision = counted.Average(order => order.Shared / (double)order.Output);
        var recall = counted.Average(order => order.Shared / (double)order.Reference);
        var factor = beta * beta;
        return precision + recall == 0 ? 0 : 100 * (1 + factor) * precision * recall / ((factor * precision) + recall);
    }
}
