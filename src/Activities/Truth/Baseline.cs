using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;

namespace XInstruct.Activities.Truth;

/// <summary>
/// What needs no language model, learnt from the very seeds that the generators learn from and judged by the same rule: a seed's instruction
/// drawn at random, and a naive Bayes classifier over character n-grams for each field of the truth.
/// </summary>
public sealed class Baseline
{
    private readonly IReadOnlyList<string> _fields;
    private readonly NaiveBayesClassifier?[] _classifiers;
    private readonly Dictionary<string, int> _drawn;
    private readonly int _seeds;

    /// <summary>Learns from seeds.</summary>
    /// <param name="fields">Fields that must agree.</param>
    /// <param name="reader">Reads the fields from a seed's instruction, as from a generated one.</param>
    /// <param name="seeds">Seeds of all languages that train; at least one.</param>
    public Baseline(IReadOnlyList<string> fields, InstructionReader reader, IReadOnlyCollection<Seed> seeds)
    {
        _fields = fields;
        _seeds = seeds.Count;
        var read = seeds.Select(s => (Text: TextNormalizer.Normalize(s.Output), Values: fields.Select(f => reader.Recover(f, s.Instruction)).ToArray())).ToList();
        _classifiers = [.. fields.Select((_, i) => Classifier([.. read.Where(s => s.Values[i] is not null).Select(s => (s.Text, s.Values[i]!))]))];
        // A seed whose instruction does not show every field is never right.
        _drawn = read.Where(s => s.Values.All(v => v is not null)).CountBy(s => Key(s.Values!)).ToDictionary(StringComparer.Ordinal);
    }

    /// <summary>Probability that the instruction of a seed drawn at random is right for a text.</summary>
    public double Chance(TruthRow truth) => Expected(truth) is { } key ? (double)_drawn.GetValueOrDefault(key) / _seeds : 0;

    /// <summary>Whether the classifiers tell every field of a text.</summary>
    public bool IsRight(string text, TruthRow truth) =>
        Expected(truth) is not null && _fields.Select((field, i) => _classifiers[i]?.Classify(text) == truth.Values[field]).All(right => right);

    private static NaiveBayesClassifier? Classifier(IReadOnlyCollection<(string Text, string Label)> examples) =>
        examples.Count == 0 ? null : new NaiveBayesClassifier(examples);

    private string? Expected(TruthRow truth) =>
        _fields.Count > 0 && _fields.All(truth.Values.ContainsKey) ? Key([.. _fields.Select(f => truth.Values[f])]) : null;

    private static string Key(string[] values) => string.Join('\0', values);
}
