namespace XInstruct.Domain.Evaluation;

/// <summary>One measure of one model on one file.</summary>
/// <param name="Model">Model.</param>
/// <param name="Task">Task.</param>
/// <param name="Language">Language.</param>
/// <param name="Cluster">What its mean goes into.</param>
/// <param name="Dataset">Data set, where the task has several.</param>
/// <param name="Template">Template, where a data set has several.</param>
/// <param name="Measure">Measure.</param>
/// <param name="IsFirst">Whether it is the one that tables show and means are made of.</param>
/// <param name="Estimate">Score; NaN without an item.</param>
/// <param name="Unscored">Rows without a score; they count in no measure.</param>
/// <param name="Ties">Predictions that were drawn among labels with equal scores.</param>
/// <param name="SharedIds">Tokens that count for more than one label.</param>
/// <param name="Chance">What guessing among each item's choices would give, where the measure says how many are right; else null.</param>
/// <param name="Uncertain">Choices of a model behind an endpoint that first tokens which it did not tell could change.</param>
public sealed record Cell(
    string Model, string Task, string Language, string Cluster, string? Dataset, string? Template, Measure Measure, bool IsFirst, Estimate Estimate, int Unscored, int Ties, int SharedIds, double? Chance, int Uncertain = 0)
{
    /// <summary>What two models' cells have in common.</summary>
    public (string, string, string?, string?) Place => (Task, Language, Dataset, Template);
}

/// <summary>What a model has more than the baseline on the items that both have a score for.</summary>
/// <param name="Of">The model's cell.</param>
/// <param name="Baseline">The model that it is compared with.</param>
/// <param name="Difference">Score minus the baseline's, with paired resamples.</param>
/// <param name="PValue">Two-sided.</param>
/// <param name="AdjustedPValue">Holm's, over all first measures of the model.</param>
/// <param name="Test">The test's name.</param>
public sealed record Comparison(Cell Of, string Baseline, Estimate Difference, double PValue, double AdjustedPValue, string Test);

/// <summary>Over what a mean goes.</summary>
public enum MeanScope
{
    /// <summary>Templates of a data set, in a language.</summary>
    Dataset,

    /// <summary>Data sets of a cluster, in a language.</summary>
    Cluster,

    /// <summary>Languages of a cluster.</summary>
    Languages,

    /// <summary>Clusters, in a language.</summary>
    Language,

    /// <summary>Clusters, each over its languages.</summary>
    Overall,
}

/// <summary>A mean of first measures that run from 0 to 100.</summary>
/// <param name="Model">Model.</param>
/// <param name="Scope">Over what.</param>
/// <param name="Cluster">Cluster; null for all.</param>
/// <param name="Dataset">Data set; null for all.</param>
/// <param name="Language">Language; null for several.</param>
/// <param name="Split">all, seen or unseen languages.</param>
/// <param name="Estimate">Mean.</param>
/// <param name="Difference">What it has more than the baseline's; null for the baseline.</param>
public sealed record ScoreMean(string Model, MeanScope Scope, string? Cluster, string? Dataset, string? Language, string Split, Estimate Estimate, Estimate? Difference);

/// <summary>All that an evaluation found.</summary>
/// <param name="Cells">Scores, by model, task, language and measure.</param>
/// <param name="Comparisons">Differences from the baseline.</param>
/// <param name="Means">Means.</param>
/// <param name="Confidence">What models' confidence is worth: over all tasks first, then task by task.</param>
public sealed record EvaluationResult(
    IReadOnlyList<Cell> Cells, IReadOnlyList<Comparison> Comparisons, IReadOnlyList<ScoreMean> Means, IReadOnlyList<ConfidenceCurve> Confidence);
