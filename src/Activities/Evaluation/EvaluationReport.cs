using XInstruct.Activities.Pages;
using XInstruct.Domain.Evaluation;

namespace XInstruct.Activities.Evaluation;

/// <summary>What the report shows beside the scores.</summary>
/// <param name="Name">Name of the evaluation.</param>
/// <param name="Job">Its id.</param>
/// <param name="Models">Models, the baseline first.</param>
/// <param name="Order">Models, in the recipe's order.</param>
/// <param name="Languages">Languages, in the recipe's order.</param>
/// <param name="Items">Items that were asked.</param>
/// <param name="Resamples">Resamples.</param>
/// <param name="Examples">Items that went most wrong.</param>
/// <param name="Recipe">The recipe without paths, as JSON.</param>
/// <param name="Inputs">Role and SHA-256 of each input.</param>
internal sealed record ReportFacts(
    string Name, string Job, IReadOnlyList<string> Models, IReadOnlyList<string> Order, IReadOnlyList<string> Languages, int Items, int Resamples, IReadOnlyList<(string Caption, string Text)> Examples, string Recipe, IReadOnlyList<(string Role, string Sha256)> Inputs);

/// <summary>The report of an evaluation: sections for a page and for Markdown.</summary>
internal sealed class EvaluationReport(ReportFacts facts, EvaluationResult result)
{
    private const int MostColumns = 14;

    private readonly IReadOnlyList<ScoreColumn> _columns = ScoreColumn.Of(result, MostColumns);
    private readonly string _baseline = facts.Models[0];

    /// <summary>The page.</summary>
    public PageContent Content() => new("evaluation", facts.Name, [("job", facts.Job)], Figures(), Sections())
    {
        Lead = Verdict(),
        Style = ScorePictures.Style,
        Script = HasCurves ? "evaluation.js" : null,
        Data = HasCurves ? new { result.Confidence, Models = facts.Order, Growth = Growth() } : null,
    };

    private bool HasCurves => result.Confidence.Count > 0 || IsSeries;

    // Two models are a comparison; from three on they may be steps on a way.
    private bool IsSeries => facts.Models.Count > 2;

    private IReadOnlyList<(string Name, string Value)> Figures() =>
    [
        ("models", N($"{facts.Models.Count}")), ("tasks", N($"{result.Cells.Select(c => c.Task).Distinct().Count()}")), ("languages", N($"{facts.Languages.Count}")),
        ("items asked", N($"{facts.Items:N0}")), ("without a score", N($"{result.Cells.Where(c => c.IsFirst).Sum(c => c.Unscored):N0}")), ("drawn ties", N($"{result.Cells.Where(c => c.IsFirst).Sum(c => c.Ties):N0}")),
    ];

    private List<PageSection> Sections()
    {
        List<PageSection> sections = [Summary(), Scores()];
        if (facts.Models.Count > 1) sections.Add(Differences());
        if (result.Cells.Any(c => c.Dataset is not null)) sections.Add(Clusters());
        if (IsSeries) sections.Add(Series());
        if (result.Confidence.Count > 0) sections.Add(Confidence());
        sections.Add(Measures());
        if (Checks() is { } checks) sections.Add(checks);
        if (facts.Examples.Count > 0) sections.Add(new PageSection("worst", "What went most wrong", "Of each task the items whose wrong answer had the greatest lead over the right one, or whose text is furthest from the right one.") { Listings = facts.Examples });
        sections.Add(new PageSection("reproduce", "How to reproduce", "The same recipe over the same inputs gives the same bytes on one kind of machine. Every item is in items.jsonl, every score in results.csv, comparisons.csv, means.csv, confidence.csv and results.json.")
        {
            Listings = [("Command", "xinstruct evaluate RECIPE.yaml"), ("Settings; paths are told by what the inputs hold", facts.Recipe)],
            Tables = [new PageTable(["input", "sha256"], [.. facts.Inputs.Select(i => (IReadOnlyList<string>)[i.Role, i.Sha256])]) { IsLong = true }],
        });
        return sections;
    }

    private ScoreMean? Mean(string model, MeanScope scope, string split = "all", string? language = null) =>
        result.Means.FirstOrDefault(m => m.Model == model && m.Scope == scope && m.Split == split && m.Cluster is null && m.Dataset is null && m.Language == language);

    private string Verdict()
    {
        var told = new List<string>();
        foreach (var model in facts.Models.Skip(1))
        {
            if (Mean(model, MeanScope.Overall)?.Difference is not { } difference) continue;
            var (low, high) = difference.Interval;
            var first = result.Comparisons.Where(c => c.Of.IsFirst && c.Of.Model == model).ToList();
            var isBetter = (Comparison c) => c.AdjustedPValue < 0.05 && c.Difference.Score > 0 != c.Of.Measure.IsLowerBetter;
            var isWorse = (Comparison c) => c.AdjustedPValue < 0.05 && c.Difference.Score < 0 != c.Of.Measure.IsLowerBetter;
            told.Add(N($"{model} scores {Math.Abs(difference.Score):F1} points {(difference.Score < 0 ? "less" : "more")} than {_baseline} on average (95% interval {low:+0.0;−0.0;0.0} to {high:+0.0;−0.0;0.0}); it is significantly better in {first.Count(isBetter)} and worse in {first.Count(isWorse)} of {first.Count} comparisons."));
        }

        return told.Count > 0 ? string.Join(" ", told) : Mean(_baseline, MeanScope.Overall)?.Estimate is { } only ? N($"{_baseline} scores {only.Score:F1} on average (95% interval {only.Interval.Low:F1} to {only.Interval.High:F1}).") : $"{string.Join(", ", facts.Models)} on {string.Join(", ", _columns.Select(c => c.Title))}.";
    }

    private PageSection Summary()
    {
        string[] splits = [.. new[] { "all", "seen", "unseen" }.Where(split => result.Means.Any(m => m.Scope == MeanScope.Overall && m.Split == split))];
        var note = N($"Means of the measures from 0 to 100: of templates a data set's, of data sets a cluster's, of languages and then of clusters the whole. Intervals are 95% of {facts.Resamples:N0} bootstrap resamples, drawn alike for all models and for languages whose rows are parallel.{(splits.Length > 1 ? " Seen are the languages that the models were tuned in." : "")}");
        return new PageSection("summary", "In short", note)
        {
            Tables = [new PageTable(["model", "languages", "#mean", "#95% interval", "#more than " + _baseline, "#95% interval "], [.. facts.Models.SelectMany(model => splits.Select(split => (split, Mean: Mean(model, MeanScope.Overall, split))).Where(s => s.Mean is not null).Select(s => (IReadOnlyList<string>)
                [model, s.split, N($"{s.Mean!.Estimate.Score:F1}"), Interval(s.Mean.Estimate), s.Mean.Difference is { } d ? N($"{d.Score:+0.0;−0.0;0.0}") : "", s.Mean.Difference is { } i ? Interval(i, true) : ""]))])],
            Pictures = [.. facts.Models.Skip(1).Select(model => (model, Rows: Lines(model))).Where(p => p.Rows.Count > 0).Select(p => ($"{p.model}: points more than {_baseline}, by language, with 95% intervals", ScorePictures.Whiskers(p.Rows)))],
        };
    }

    private List<(string, Estimate)> Lines(string model) =>
        [.. facts.Languages.Select(language => (language, Mean(model, MeanScope.Language, language: language)?.Difference)).Where(line => line.Difference is not null).Select(line => (line.language, line.Difference!))];

    private PageSection Scores() => new("scores", "Scores", "The first measure of each task, with its 95% interval; darker is better within a column. Chance is what guessing among the choices would give.")
    {
        Pictures = [.. facts.Models.Select(model => (model, ScorePictures.Heat([.. facts.Languages, "mean"], [.. _columns.Select(c => c.Title)], (row, column) => Shade(model, row, column))))],
        Tables = [.. facts.Models.Select(model => WithChance(Table(model, (column, language) => column.Find(model, language) is { } e ? N($"{e.Score:F1} ({e.Interval.Low:F1}–{e.Interval.High:F1})") : "–")))],
    };

    private PageTable WithChance(PageTable table) => _columns.All(c => c.Chance is null) ? table
        : table with { Rows = [.. table.Rows, ["chance", .. _columns.Select(c => c.Chance is { } chance ? N($"{chance:F1}") : "")]] };

    // Share of the way from the worst to the best of the column.
    private (string Text, double Shade)? Shade(string model, int row, int column)
    {
        var of = _columns[column];
        if ((row < facts.Languages.Count ? of.Find(model, facts.Languages[row]) : of.Mean(model, facts.Languages)) is not { } estimate || !double.IsFinite(estimate.Score)) return null;
        var all = facts.Models.SelectMany(m => facts.Languages.Select(l => of.Find(m, l)?.Score)).OfType<double>().Where(double.IsFinite).ToList();
        var share = all.Max() - all.Min() < 1e-9 ? 0.5 : (estimate.Score - all.Min()) / (all.Max() - all.Min());
        return (N($"{estimate.Score:F1}"), of.Measure.IsLowerBetter ? 1 - share : share);
    }

    private PageTable Table(string model, Func<ScoreColumn, string, string> cell) => new(
        [model, .. _columns.Select(c => "#" + c.Title)],
        [.. facts.Languages.Select(language => (IReadOnlyList<string>)[language, .. _columns.Select(c => cell(c, language))])]);

    private PageSection Differences()
    {
        var others = facts.Models.Skip(1).ToList();
        return new PageSection("differences", $"Differences from {_baseline}", "Score minus the baseline's on the same items. * marks p < 0.05, ** p < 0.01, *** p < 0.001 after Holm's correction over all comparisons of a model; where a task has several data sets or templates the stars are of the clearest. Right-or-wrong measures: exact McNemar test; others: approximate randomisation.")
        {
            Pictures = [.. others.Select(model => (model, ScorePictures.Heat([.. facts.Languages], [.. _columns.Select(c => c.Title)], (row, column) => Lead(model, facts.Languages[row], _columns[column]), isSigned: true)))],
            Tables = [.. others.Select(model => Table(model, (column, language) => Difference(model, language, column) is { } d ? N($"{d.Score:+0.0;−0.0;0.0}{Stars(model, language, column)} ({d.Interval.Low:+0.0;−0.0;0.0} to {d.Interval.High:+0.0;−0.0;0.0})") : "–"))],
        };
    }

    private (string, double)? Lead(string model, string language, ScoreColumn column)
    {
        if (Difference(model, language, column) is not { } d || !double.IsFinite(d.Score)) return null;
        var most = facts.Models.Skip(1).SelectMany(m => facts.Languages.Select(l => Difference(m, l, column)?.Score ?? 0)).Max(Math.Abs);
        return (N($"{d.Score:+0.0;−0.0;0.0}{Stars(model, language, column)}"), most < 1e-9 ? 0 : d.Score / most * (column.Measure.IsLowerBetter ? -1 : 1));
    }

    private Estimate? Difference(string model, string language, ScoreColumn column) =>
        column.Find(model, language) is { } mine && column.Find(_baseline, language) is { } other ? column.Compared(result, model, language) ?? mine.Minus(other) : null;

    private string Stars(string model, string language, ScoreColumn column) =>
        result.Comparisons.Where(c => c.Of.IsFirst && c.Of.Model == model && c.Of.Language == language && column.Has(c.Of)).Select(c => c.AdjustedPValue).DefaultIfEmpty(1).Min() switch { < 0.001 => "***", < 0.01 => "**", < 0.05 => "*", _ => "" };

    private PageSection Clusters() => new("clusters", "Clusters and data sets", "Means over templates and data sets, language by language.")
    {
        Tables = [new PageTable(["model", "language", "cluster", "data set", "#mean", "#95% interval"], [.. result.Means.Where(m => m.Scope is MeanScope.Dataset or MeanScope.Cluster).OrderBy(m => m.Model == _baseline ? 0 : 1).ThenBy(m => m.Model, StringComparer.Ordinal).ThenBy(m => m.Language, StringComparer.Ordinal).ThenBy(m => m.Cluster, StringComparer.Ordinal).ThenBy(m => m.Scope == MeanScope.Cluster ? 1 : 0)
            .Select(m => (IReadOnlyList<string>)[m.Model, m.Language!, m.Cluster!, m.Dataset ?? "all", N($"{m.Estimate.Score:F1}"), Interval(m.Estimate)])]) { IsLong = true }],
    };

    private PageSection Series() => new("series", "From model to model", "Means over the tasks, language by language, in the recipe's order of models: what a longer training, more data or a larger model brought.")
    {
        Charts = [("series", "Mean of each language, model by model")],
        Tables = [new PageTable(["model", "#all languages", "#95% interval", .. facts.Languages.Select(l => "#" + l)], [.. facts.Order.Select(model => (IReadOnlyList<string>)
            [model, Mean(model, MeanScope.Overall) is { } all ? N($"{all.Estimate.Score:F1}") : "–", Mean(model, MeanScope.Overall) is { } of ? Interval(of.Estimate) : "", .. facts.Languages.Select(l => Mean(model, MeanScope.Language, language: l) is { } mean ? N($"{mean.Estimate.Score:F1}") : "–")])])],
    };

    private object Growth() => new
    {
        Overall = facts.Order.Select(model => Mean(model, MeanScope.Overall)?.Estimate).Select(e => e is null || !double.IsFinite(e.Score) ? null : new { e.Score, e.Interval.Low, e.Interval.High }),
        Languages = facts.Languages.Select(l => new { Name = l, Scores = facts.Order.Select(model => Mean(model, MeanScope.Language, language: l)?.Estimate.Score is { } score && double.IsFinite(score) ? score : (double?)null) }),
    };

    private PageSection Confidence() => new("confidence", "What confidence is worth", "How often a model is right among the items that it is surest of, from the surest 5% to all: a curve that falls means that its confidence tells right from wrong, a flat one that it tells nothing. Confidence is the chosen answer's share of the probability of all choices; the calibration error is its mean distance from the accuracy over ten bins of equally many items.")
    {
        Charts = [("confidence", "Accuracy over the share of items that a model is surest of")],
        Tables = [new PageTable(["model", "task", "#items", "#chance", "#surest 25%", "#50%", "#75%", "#all", "#calibration error"], [.. result.Confidence.Select(c => (IReadOnlyList<string>)
            [c.Model, c.Task ?? "all", N($"{c.Items:N0}"), .. new[] { c.Chance, c.At(25), c.At(50), c.At(75), c.At(100), c.CalibrationError }.Select(v => N($"{v:F1}"))])])],
    };

    private PageSection Measures() => new("measures", "All measures", null)
    {
        Tables = [new PageTable(["model", "task", "language", "measure", "#score", "#95% interval", "#items"], [.. result.Cells.Select(c => (IReadOnlyList<string>)
            [c.Model, string.Join(" / ", new[] { c.Task, c.Dataset, c.Template }.OfType<string>()), c.Language, c.Measure.Title, N($"{c.Estimate.Score:F2}"), Interval(c.Estimate), N($"{c.Estimate.Count:N0}")])]) { IsLong = true }],
    };

    private PageSection? Checks()
    {
        var odd = result.Cells.Where(c => c.IsFirst && (c.Unscored > 0 || c.Ties > 0 || c.SharedIds > 0 || c.Uncertain > 0)).ToList();
        return odd.Count == 0 ? null : new PageSection("checks", "What to know about the items", "Rows without a score count in no measure: they were no question (the answer is none of the choices, a column is missing), or too long for the model. Ties are drawn by the seed. Tokens that begin several labels cannot tell these apart: where there are any, the labels' scores are closer to each other than the model meant. A model behind an endpoint tells its likeliest first tokens only: its choice is not certain where the others, together, could make another one the best, and there is no score where none of those told begins a choice.")
        {
            Tables = [new PageTable(["model", "task", "language", "#rows without a score", "#ties", "#tokens shared by labels", "#choices not certain"], [.. odd.Select(c => (IReadOnlyList<string>)
                [c.Model, string.Join(" / ", new[] { c.Task, c.Dataset, c.Template }.OfType<string>()), c.Language, N($"{c.Unscored:N0}"), N($"{c.Ties:N0}"), N($"{c.SharedIds:N0}"), N($"{c.Uncertain:N0}")])]) { IsLong = true }],
        };
    }

    private static string Interval(Estimate estimate, bool isSigned = false) => !double.IsFinite(estimate.Interval.Low) ? "" : isSigned
        ? N($"{estimate.Interval.Low:+0.0;−0.0;0.0} to {estimate.Interval.High:+0.0;−0.0;0.0}")
        : N($"{estimate.Interval.Low:F1}–{estimate.Interval.High:F1}");

    private static string N(FormattableString number) => FormattableString.Invariant(number);
}
