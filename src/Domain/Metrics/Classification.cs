namespace XInstruct.Domain.Metrics;

/// <summary>Precision, recall and F1 of a class, or a mean of them; 0 where nothing can be divided.</summary>
/// <param name="Precision">Share of what was called so that is so.</param>
/// <param name="Recall">Share of what is so that was called so.</param>
/// <param name="F1">Their harmonic mean; of a mean over classes the mean of theirs.</param>
public readonly record struct ClassScores(double Precision, double Recall, double F1);

/// <summary>Counts of true and predicted classes and what follows from them; as scikit-learn defines it.</summary>
public sealed class Classification
{
    private readonly double[] _true;
    private readonly double[] _predicted;

    /// <summary>Counts.</summary>
    /// <param name="truth">True classes, from 0.</param>
    /// <param name="predicted">Predicted classes, as many.</param>
    /// <param name="classes">How many classes there are.</param>
    public Classification(IReadOnlyList<int> truth, IReadOnlyList<int> predicted, int classes)
    {
        ArgumentNullException.ThrowIfNull(truth);
        ArgumentNullException.ThrowIfNull(predicted);
        if (truth.Count != predicted.Count || truth.Count == 0) throw new ArgumentException("There must be as many predictions as truths, and at least one.", nameof(predicted));
        Confusion = [.. Enumerable.Range(0, classes).Select(_ => new int[classes])];
        for (var i = 0; i < truth.Count; i++) Confusion[truth[i]][predicted[i]]++;
        Count = truth.Count;
        _true = [.. Confusion.Select(row => (double)row.Sum())];
        _predicted = [.. Enumerable.Range(0, classes).Select(c => (double)Confusion.Sum(row => row[c]))];
        Classes = [.. Enumerable.Range(0, classes).Select(Scores)];
    }

    /// <summary>Items.</summary>
    public int Count { get; }

    /// <summary>Items by true class (rows) and predicted class.</summary>
    public int[][] Confusion { get; }

    /// <summary>Scores of each class.</summary>
    public IReadOnlyList<ClassScores> Classes { get; }

    /// <summary>Share of right predictions.</summary>
    public double Accuracy => Right / Count;

    /// <summary>Mean recall of the classes that occur.</summary>
    public double BalancedAccuracy => Classes.Where((_, c) => _true[c] > 0).Average(scores => scores.Recall);

    /// <summary>Mean over the classes that occur or were predicted.</summary>
    public ClassScores Macro => Mean(Enumerable.Range(0, _true.Length).Where(c => _true[c] + _predicted[c] > 0).Select(c => (c, 1.0)));

    /// <summary>Mean weighted by how often a class is true.</summary>
    public ClassScores Weighted => Mean(Enumerable.Range(0, _true.Length).Select(c => (c, _true[c])));

    /// <summary>Over all decisions; with one class an item all three are the accuracy.</summary>
    public ClassScores Micro => new(Accuracy, Accuracy, Accuracy);

    /// <summary>Correlation of truth and prediction (Matthews 1975; Gorodkin 2004 for several classes); 0 when one of them is constant.</summary>
    public double MatthewsCorrelation
    {
        get
        {
            var shared = (Right * Count) - Chance;
            var spread = Math.Sqrt(((double)Count * Count) - _predicted.Sum(p => p * p)) * Math.Sqrt(((double)Count * Count) - _true.Sum(t => t * t));
            return spread == 0 ? 0 : shared / spread;
        }
    }

    /// <summary>Agreement beyond chance (Cohen 1960); NaN when chance alone gives full agreement.</summary>
    public double Kappa
    {
        get
        {
            var expected = Chance / ((double)Count * Count);
            return (Accuracy - expected) / (1 - expected);
        }
    }

    /// <summary>
    /// Agreement beyond chance of two raters on a scale, a disagreement weighing the square of its distance (Cohen 1968, "Weighted kappa"; scikit-learn's weights="quadratic"); NaN when
    /// chance alone gives full agreement.
    /// </summary>
    public double QuadraticKappa
    {
        get
        {
            var (observed, expected) = (0.0, 0.0);
            for (var t = 0; t < _true.Length; t++)
            {
                for (var p = 0; p < _predicted.Length; p++)
                {
                    var weight = (double)(t - p) * (t - p);
                    observed += weight * Confusion[t][p];
                    expected += weight * _true[t] * _predicted[p] / Count;
                }
            }

            return 1 - (observed / expected);
        }
    }

    private double Right => Confusion.Select((row, c) => (double)row[c]).Sum();

    private double Chance => _true.Zip(_predicted, (t, p) => t * p).Sum();

    private ClassScores Scores(int c)
    {
        double right = Confusion[c][c];
        return new ClassScores(
            _predicted[c] == 0 ? 0 : right / _predicted[c], _true[c] == 0 ? 0 : right / _true[c], _predicted[c] + _true[c] == 0 ? 0 : 2 * right / (_predicted[c] + _true[c]));
    }

    private ClassScores Mean(IEnumerable<(int Class, double Weight)> weights)
    {
        var all = weights.ToArray();
        var total = all.Sum(w => w.Weight);
        return new ClassScores(Of(s => s.Precision), Of(s => s.Recall), Of(s => s.F1));

        double Of(Func<ClassScores, double> part) => all.Sum(w => w.Weight * part(Classes[w.Class])) / total;
    }
}
