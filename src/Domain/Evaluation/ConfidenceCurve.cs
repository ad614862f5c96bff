using XInstruct.Domain.Metrics;

namespace XInstruct.Domain.Evaluation;

/// <summary>
/// What a model's confidence is worth: how often it is right among the items that it is surest of (selective prediction; El-Yaniv and Wiener, 2010), and how far its
/// confidence is from its accuracy. The confidence of an item is the chosen answer's share of the probability of all its choices.
/// </summary>
/// <param name="Model">Model.</param>
/// <param name="Task">Task; null for all of them.</param>
/// <param name="Items">Items with choices and a score.</param>
/// <param name="Chance">What guessing among each item's choices gives, 0 to 100.</param>
/// <param name="Accuracy">Accuracy, 0 to 100, over the surest 5%, 10%, …, 100% of the items.</param>
/// <param name="CalibrationError">Expected calibration error, 0 to 100: the mean distance of confidence and accuracy over ten bins of equally many items.</param>
public sealed record ConfidenceCurve(string Model, string? Task, int Items, double Chance, IReadOnlyList<double> Accuracy, double CalibrationError)
{
    /// <summary>Points of a curve.</summary>
    public const int Points = 20;

    private const int Bins = 10;

    /// <summary>The accuracy over a share of the items.</summary>
    /// <param name="percent">A multiple of five from 5 to 100.</param>
    public double At(int percent) => Accuracy[(percent * Points / 100) - 1];

    /// <summary>The curve of a model's items; null when none of them has choices.</summary>
    public static ConfidenceCurve? Of(string model, string? task, IEnumerable<ItemScore> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var all = items.Where(item => item.Error is null).Select(Answer).OfType<(double Confidence, bool IsRight, int Choices)>().OrderByDescending(answer => answer.Confidence).ToList();
        if (all.Count == 0) return null;
        // Items of equal confidence have no order: each counts with the share of them that is right.
        var right = new double[all.Count];
        for (var start = 0; start < all.Count;)
        {
            var end = start;
            while (end < all.Count && all[end].Confidence.Equals(all[start].Confidence)) end++;
            var share = all[start..end].Count(answer => answer.IsRight) / (double)(end - start);
            Array.Fill(right, share, start, end - start);
            start = end;
        }

        var sums = new double[all.Count + 1];
        for (var i = 0; i < all.Count; i++) sums[i + 1] = sums[i] + right[i];
        var accuracy = Enumerable.Range(1, Points).Select(point => Math.Max(1, (int)Math.Round((double)all.Count * point / Points))).Select(first => 100 * sums[first] / first);
        var error = Enumerable.Range(0, Bins).Sum(bin =>
        {
            var (from, to) = (all.Count * bin / Bins, all.Count * (bin + 1) / Bins);
            return Math.Abs(all[from..to].Sum(answer => answer.Confidence) - (sums[to] - sums[from])) / all.Count;
        });
        return new ConfidenceCurve(model, task, all.Count, 100 * all.Average(answer => 1.0 / answer.Choices), [.. accuracy], 100 * error);
    }

    private static (double, bool, int)? Answer(ItemScore item)
    {
        if (item is not { Choices: { } choices, Scores: { } scores, Predicted: { } predicted, Answer: { } answer }) return null;
        // Choices have log-likelihoods over their tokens, labels have probability masses.
        var shares = item.Tokens is { } tokens
            ? ChoiceScores.Probabilities([.. choices.Select((choice, i) => new ScoredChoice(choice, scores[i], tokens[i], false))])
            : scores.Sum() is > 0 and var mass ? [.. scores.Select(score => score / mass)] : Enumerable.Repeat(1.0 / choices.Count, choices.Count).ToArray();
        return (shares[predicted], predicted == answer, choices.Count);
    }
}
