using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Evaluation;

/// <summary>A column of the report's tables: a task or a data set or, where these are too many, a cluster.</summary>
internal sealed class ScoreColumn
{
    private readonly Dictionary<(string Model, string Language), Estimate> _scores = [];
    private readonly HashSet<Cell> _cells;

    private ScoreColumn(string title, IReadOnlyList<Cell> cells)
    {
        (Title, Measure) = (title, cells[0].Measure);
        _cells = [.. cells];
        foreach (var place in cells.Where(c => c.Estimate.Count > 0).GroupBy(c => (c.Model, c.Language)))
        {
            // Templates first, then data sets, as in the means.
            _scores[place.Key] = Estimate.Mean([.. place.GroupBy(c => (c.Task, c.Dataset)).Select(dataset => Estimate.Mean([.. dataset.Select(c => c.Estimate)]))]);
        }
    }

    /// <summary>Its head.</summary>
    public string Title { get; }

    /// <summary>What it shows.</summary>
    public Measure Measure { get; }

    /// <summary>The columns of a result.</summary>
    public static IReadOnlyList<ScoreColumn> Of(EvaluationResult result, int most)
    {
        var first = result.Cells.Where(c => c.IsFirst).ToList();
        var names = first.GroupBy(c => (c.Cluster, c.Task, c.Dataset)).ToList();
        // Shares and others are not averaged with each other.
        return names.Count <= most
            ? [.. names.Select(g => new ScoreColumn($"{g.Key.Dataset ?? g.Key.Task} {g.First().Measure.Title}", [.. g]))]
            : [.. first.GroupBy(c => (c.Cluster, Kind: c.Measure.IsShare ? "" : c.Measure.Name)).Select(g => new ScoreColumn(g.Key.Cluster, [.. g]))];
    }

    /// <summary>What guessing gives, over all that the column shows; null where that has no meaning.</summary>
    public double? Chance => _cells.All(c => c.Chance is not null) ? _cells.Average(c => c.Chance) : null;

    /// <summary>Whether a cell is part of it.</summary>
    public bool Has(Cell cell) => _cells.Contains(cell);

    /// <summary>A model's score in a language; null when there is none.</summary>
    public Estimate? Find(string model, string language) => _scores.GetValueOrDefault((model, language));

    /// <summary>A model's mean over languages.</summary>
    public Estimate? Mean(string model, IReadOnlyList<string> languages)
    {
        var all = languages.Select(language => Find(model, language)).OfType<Estimate>().ToList();
        return all.Count == 0 ? null : Estimate.Mean(all);
    }

    /// <summary>The difference of the one file that the column has in a language; null when it has several.</summary>
    public Estimate? Compared(EvaluationResult result, string model, string language)
    {
        var mine = result.Comparisons.Where(c => c.Of.Model == model && c.Of.Language == language && Has(c.Of)).ToList();
        return mine.Count == 1 ? mine[0].Difference : null;
    }
}
