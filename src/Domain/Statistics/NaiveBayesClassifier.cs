namespace XInstruct.Domain.Statistics;

/// <summary>Multinomial naive Bayes over character 1- to 3-grams: the plain control that reports print beside a model.</summary>
public sealed class NaiveBayesClassifier
{
    private readonly Dictionary<string, (Dictionary<string, int> Counts, double Total, double Prior)> _classes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _vocabulary = new(StringComparer.Ordinal);

    /// <summary>Learns labelled texts.</summary>
    public NaiveBayesClassifier(IReadOnlyCollection<(string Text, string Label)> examples)
    {
        foreach (var group in examples.GroupBy(e => e.Label, StringComparer.Ordinal))
        {
            var counts = new Dictionary<string, int>(StringComparer.Ordinal);
            foreach (var gram in group.SelectMany(e => Grams(e.Text)))
            {
                counts[gram] = counts.GetValueOrDefault(gram) + 1;
                _vocabulary.Add(gram);
            }

            _classes[group.Key] = (counts, counts.Values.Sum(), Math.Log((double)group.Count() / examples.Count));
        }
    }

    /// <summary>Most likely label; of tied ones the first in ordinal order.</summary>
    public string Classify(string text)
    {
        var grams = Grams(text).ToList();
        return _classes.OrderBy(c => c.Key, StringComparer.Ordinal).MaxBy(c => c.Value.Prior + grams.Sum(g =>
            Math.Log((c.Value.Counts.GetValueOrDefault(g) + 0.5) / (c.Value.Total + (0.5 * _vocabulary.Count))))).Key;
    }

    private static IEnumerable<string> Grams(string text)
    {
        text = $" {text.ToLowerInvariant()} ";
        for (var n = 1; n <= 3; n++)
        {
            for (var i = 0; i + n <= text.Length; i++) yield return text.Substring(i, n);
        }
    }
}
