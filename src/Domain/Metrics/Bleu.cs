namespace XInstruct.Domain.Metrics;

/// <summary>What stands in for the precision of an order without a match (Chen and Cherry 2014).</summary>
public enum BleuSmoothing
{
    /// <summary>The first such order counts a half match, the next a quarter, and so on.</summary>
    Exponential,

    /// <summary>Each counts so many matches.</summary>
    Floor,

    /// <summary>So much is added to matches and totals of all orders above the first.</summary>
    AddK,

    /// <summary>Nothing.</summary>
    None,
}

/// <summary>How BLEU is counted.</summary>
public sealed record BleuOptions
{
    /// <summary>Words.</summary>
    public TranslationTokenizer Tokenizer { get; init; }

    /// <summary>Whether capitals count as small letters.</summary>
    public bool Lowercase { get; init; }

    /// <summary>What stands in for precisions of zero.</summary>
    public BleuSmoothing Smoothing { get; init; }

    /// <summary>The matches of <see cref="BleuSmoothing.Floor"/> (usually 0.1) and <see cref="BleuSmoothing.AddK"/> (usually 1).</summary>
    public double SmoothingValue { get; init; } = 1;

    /// <summary>Whether orders longer than the output are left out; for single sentences.</summary>
    public bool EffectiveOrder { get; init; }
}

/// <summary>BLEU (Papineni et al. 2002) with its parts.</summary>
/// <param name="Score">0 to 100.</param>
/// <param name="Matches">Matches of the orders 1 to 4, each n-gram as often as in the reference that has it most often.</param>
/// <param name="Totals">N-grams of the output.</param>
/// <param name="Precisions">0 to 100, smoothed.</param>
/// <param name="BrevityPenalty">0 to 1.</param>
/// <param name="Length">Words of the output.</param>
/// <param name="ReferenceLength">Words of the references that come closest in length.</param>
public sealed record BleuScore(
    double Score, IReadOnlyList<double> Matches, IReadOnlyList<double> Totals, IReadOnlyList<double> Precisions, double BrevityPenalty, int Length, int ReferenceLength);

/// <summary>BLEU as sacreBLEU 2.5.1 computes it (Post 2018).</summary>
public static class Bleu
{
    private const int Orders = 4;

    /// <summary>Of one sentence.</summary>
    public static BleuScore OfSentence(string output, IReadOnlyList<string> references, BleuOptions options) => OfCorpus([(output, references)], options);

    /// <summary>Of a corpus: counts are summed before anything is divided.</summary>
    public static BleuScore OfCorpus(IEnumerable<(string Output, IReadOnlyList<string> References)> sentences, BleuOptions options)
    {
        ArgumentNullException.ThrowIfNull(sentences);
        ArgumentNullException.ThrowIfNull(options);
        var sums = new double[(2 * Orders) + 2];
        foreach (var (output, references) in sentences)
        {
            var counts = Counts(output, references, options);
            for (var i = 0; i < sums.Length; i++) sums[i] += counts[i];
        }

        return Score(sums[..Orders], sums[Orders..(2 * Orders)], (int)sums[^2], (int)sums[^1], options);
    }

    /// <summary>What a sentence adds to a corpus: matches and totals of each order, words, and words of the reference closest in length.</summary>
    internal static double[] Counts(string output, IReadOnlyList<string> references, BleuOptions options)
    {
        var sums = new double[(2 * Orders) + 2];
        var words = Words(output, options);
        var others = references.Select(reference => Words(reference, options)).ToArray();
        sums[^2] = words.Length;
        // Of two that are equally close the shorter.
        sums[^1] = others.Select(other => other.Length).MinBy(other => (Math.Abs(other - words.Length), other));
        for (var order = 1; order <= Orders; order++)
        {
            var counts = Ngrams.Count(words, order);
            var most = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var (ngram, count) in others.SelectMany(other => Ngrams.Count(other, order))) most[ngram] = Math.Max(count, most.GetValueOrDefault(ngram));
            sums[order - 1] = counts.Sum(pair => Math.Min(pair.Value, most.GetValueOrDefault(pair.Key)));
            sums[Orders + order - 1] = counts.Sum(pair => pair.Value);
        }

        return sums;
    }

    /// <summary>The score of summed <see cref="Counts"/>.</summary>
    internal static double OfCounts(double[] sums, BleuOptions options) => Score(sums[..Orders], sums[Orders..(2 * Orders)], (int)sums[^2], (int)sums[^1], options).Score;

    private static BleuScore Score(double[] matches, double[] totals, int length, int referenceLength, BleuOptions options)
    {
        var precisions = new double[Orders];
        var penalty = length >= referenceLength ? 1 : length == 0 ? 0 : Math.Exp(1 - (referenceLength / (double)length));
        if (matches.All(match => match == 0)) return new BleuScore(0, matches, totals, precisions, penalty, length, referenceLength);
        var (orders, divisor) = (options.EffectiveOrder ? 0 : Orders, 1.0);
        for (var i = 0; i < Orders; i++)
        {
            if (options.Smoothing == BleuSmoothing.AddK && i > 0)
            {
                matches[i] += options.SmoothingValue;
                totals[i] += options.SmoothingValue;
            }

            if (totals[i] == 0) break;
            if (options.EffectiveOrder) orders = i + 1;
            var counted = matches[i];
            if (counted == 0)
            {
                counted = options.Smoothing switch
                {
                    BleuSmoothing.Exponential => 1 / (divisor *= 2),
                    BleuSmoothing.Floor => options.SmoothingValue,
                    _ => 0,
                };
            }

            precisions[i] = 100 * counted / totals[i];
        }

        var used = precisions.Take(orders).ToArray();
        var score = used.Any(precision => precision == 0) ? 0 : penalty * Math.Exp(used.Sum(Math.Log) / orders);
        return new BleuScore(score, matches, totals, precisions, penalty, length, referenceLength);
    }

    private static string[] Words(string text, BleuOptions options) =>
        TranslationTokens.Of(options.Lowercase ? text.ToLowerInvariant() : text, options.Tokenizer);
}
