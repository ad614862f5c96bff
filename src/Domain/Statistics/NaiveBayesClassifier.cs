namespace XInstruct.Domain.Statistics;

/// <summary>
/// Labels texts by their character n-grams (multinomial naive Bayes, additive smoothing, class shares as prior). A control that is printed
/// beside a model's figures: what a few counts reach on the same seeds.
/// </summary>
public sealed class NaiveBayesClassifier
{
    private readonly NgramBayes _bayes;
    private readonly string[] _labels;
    private readonly double[] _priors;

    /// <summary>Learns from labelled texts. The result does not depend on their order.</summary>
    /// <param name="examples">At least one text.</param>
    /// <param name="longest">Longest n-gram in UTF-16 units, 1 to 4.</param>
    /// <param name="smoothing">Added to each count, above 0.</param>
    public NaiveBayesClassifier(IReadOnlyCollection<(string Text, string Label)> examples, int longest = 4, double smoothing = 0.3)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(smoothing);
        if (longest is < 1 or > CharacterNgrams.Longest) throw new ArgumentOutOfRangeException(nameof(longest), longest, "An n-gram has 1 to 4 units.");
        if (examples.Count == 0) throw new ArgumentException("A classifier needs at least one labelled text.", nameof(examples));
        _labels = [.. examples.Select(e => e.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var index = _labels.Select((label, i) => (label, i)).ToDictionary(p => p.label, p => p.i, StringComparer.Ordinal);
        _bayes = NgramBayes.Build(examples.Select(e => (CharacterNgrams.Fold(e.Text), index[e.Label])), _labels.Length, longest, smoothing);
        _priors = [.. _labels.Select(l => Math.Log((double)examples.Count(e => e.Label == l) / examples.Count))];
    }

    /// <summary>Known labels, in ordinal order.</summary>
    public IReadOnlyList<string> Labels => _labels;

    /// <summary>The most likely label; of equal ones the first in ordinal order.</summary>
    public string Classify(string text)
    {
        var scores = new float[_labels.Length];
        _bayes.Score(CharacterNgrams.Fold(text), scores);
        var best = 0;
        for (var c = 1; c < scores.Length; c++)
        {
            if (scores[c] + _priors[c] > scores[best] + _priors[best]) best = c;
        }

        return _labels[best];
    }
}
