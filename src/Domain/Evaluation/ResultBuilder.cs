namespace XInstruct.Domain.Evaluation;

/// <summary>The scores of one file's items by one model.</summary>
/// <param name="Model">Model.</param>
/// <param name="Task">Task.</param>
/// <param name="Language">Language.</param>
/// <param name="Cluster">Cluster.</param>
/// <param name="Dataset">Data set.</param>
/// <param name="Template">Template.</param>
/// <param name="Measures">What is counted; the first is the one in tables.</param>
/// <param name="Items">Items, in the order of the rows.</param>
public sealed record ScoredFile(
    string Model, string Task, string Language, string Cluster, string? Dataset, string? Template, IReadOnlyList<Measure> Measures, IReadOnlyList<ItemScore> Items);

/// <summary>Counts items, compares models and takes means.</summary>
/// <param name="resampler">Draws resamples.</param>
/// <param name="baseline">The model that others are compared with.</param>
/// <param name="seen">Languages that models were tuned in.</param>
public sealed class ResultBuilder(Resampler resampler, string baseline, IReadOnlySet<string> seen)
{
    /// <summary>The result.</summary>
    public EvaluationResult Build(IReadOnlyList<ScoredFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var counted = files.SelectMany(Count).ToList();
        var byPlace = counted.Where(c => c.Cell.Model == baseline).ToDictionary(c => (c.Cell.Place, c.Cell.Measure.Name));
        var compared = counted.Where(c => c.Cell.Model != baseline && byPlace.ContainsKey((c.Cell.Place, c.Cell.Measure.Name))).Select(c => Compare(c, byPlace[(c.Cell.Place, c.Cell.Measure.Name)])).ToList();
        foreach (var model in compared.GroupBy(c => c.Of.Model).ToList())
        {
            var first = model.Where(c => c.Of.IsFirst).ToList();
            var adjusted = Resampler.Holm([.. first.Select(c => c.PValue)]);
            for (var i = 0; i < first.Count; i++) compared[compared.IndexOf(first[i])] = first[i] with { AdjustedPValue = adjusted[i] };
        }

        var cells = counted.Select(c => c.Cell).ToList();
        return new EvaluationResult(cells, compared, Means(cells), Confidence(files));
    }

    private IEnumerable<Counted> Count(ScoredFile file)
    {
        var classes = file.Items.Max(item => item.Choices?.Count ?? 0);
        for (var m = 0; m < file.Measures.Count; m++)
        {
            var measure = file.Measures[m];
            var items = file.Items.Select(item => (item.Row, Numbers: measure.Counts(item))).Where(item => item.Numbers is not null).ToDictionary(item => item.Row, item => Measure.Widened(item.Numbers!, measure, classes));
            var estimate = resampler.Estimate(Name(file), [.. items.Values], measure.Score);
            yield return new Counted(
                new Cell(file.Model, file.Task, file.Language, file.Cluster, file.Dataset, file.Template, measure, m == 0, estimate, file.Items.Count - items.Count, file.Items.Count(item => item.Tie == true), file.Items.Max(item => item.SharedIds ?? 0), Chance(measure, file.Items), file.Items.Count(item => item.Uncertain == true)),
                items,
                Name(file));
        }
    }

    private static double? Chance(Measure measure, IReadOnlyList<ItemScore> items)
    {
        var choices = measure.IsBinary ? items.Where(item => item.Error is null).Select(item => item.Choices?.Count).OfType<int>().ToList() : [];
        return choices.Count == 0 ? null : 100 * choices.Average(count => 1.0 / count);
    }

    private static List<ConfidenceCurve> Confidence(IReadOnlyList<ScoredFile> files)
    {
        var models = files.GroupBy(file => file.Model).ToList();
        var all = models.Select(model => ConfidenceCurve.Of(model.Key, null, model.SelectMany(file => file.Items)));
        var tasks = models.SelectMany(model => model.GroupBy(file => file.Task).Select(task => ConfidenceCurve.Of(model.Key, task.Key, task.SelectMany(file => file.Items))));
        return [.. all.Concat(tasks).OfType<ConfidenceCurve>()];
    }

    private Comparison Compare(Counted model, Counted other)
    {
        var rows = model.Items.Keys.Where(other.Items.ContainsKey).ToList();
        var (mine, theirs) = (rows.Select(row => model.Items[row]).ToList(), rows.Select(row => other.Items[row]).ToList());
        var measure = model.Cell.Measure;
        // On the items that both have; their resamples are there already when these are all.
        var difference = rows.Count == model.Items.Count && rows.Count == other.Items.Count
            ? model.Cell.Estimate.Minus(other.Cell.Estimate)
            : resampler.Estimate(model.Name, mine, measure.Score).Minus(resampler.Estimate(model.Name, theirs, measure.Score));
        var p = resampler.PValue(model.Name, mine, theirs, measure);
        return new Comparison(model.Cell, baseline, difference, p, p, measure.IsBinary ? "McNemar exact" : "approximate randomisation");
    }

    private List<ScoreMean> Means(List<Cell> cells)
    {
        var means = new List<ScoreMean>();
        // A data set that is asked in several ways is as many: each is compared with the same one of the baseline.
        var several = cells.Where(c => c.Dataset is not null).GroupBy(c => (c.Cluster, c.Dataset)).Where(dataset => dataset.DistinctBy(c => c.Task).Count() > 1).Select(dataset => dataset.Key).ToHashSet();
        foreach (var model in cells.Where(c => c.IsFirst && c.Measure.IsShare && c.Estimate.Count > 0).GroupBy(c => c.Model).OrderBy(m => m.Key != baseline))
        {
            var clusters = model.GroupBy(c => c.Cluster).Select(cluster => (cluster.Key, Languages: cluster.GroupBy(c => c.Language).Select(language => (language.Key, Mean: Cluster(model.Key, cluster.Key, language))).ToList())).ToList();
            foreach (var language in clusters.SelectMany(c => c.Languages).GroupBy(l => l.Key)) Add(MeanScope.Language, null, null, language.Key, "all", [.. language.Select(l => l.Mean)]);
            foreach (var (split, isIn) in Splits(clusters.SelectMany(c => c.Languages.Select(l => l.Key)).ToHashSet(StringComparer.Ordinal)))
            {
                var over = clusters.Select(c => (c.Key, Of: c.Languages.Where(l => isIn(l.Key)).Select(l => l.Mean).ToList())).Where(c => c.Of.Count > 0).ToList();
                foreach (var (cluster, of) in over) Add(MeanScope.Languages, cluster, null, null, split, of);
                if (over.Count > 0) Add(MeanScope.Overall, null, null, null, split, [.. over.Select(c => Estimate.Mean(c.Of))]);
            }

            void Add(MeanScope scope, string? cluster, string? dataset, string? language, string split, IReadOnlyList<Estimate> of) => this.Add(means, new ScoreMean(model.Key, scope, cluster, dataset, language, split, Estimate.Mean(of), null));
        }

        return means;

        Estimate Cluster(string model, string cluster, IEnumerable<Cell> language)
        {
            var first = language.First().Language;
            var datasets = language.GroupBy(c => (c.Task, c.Dataset)).Select(dataset => (Name: dataset.Key.Dataset is not { } of ? dataset.Key.Task : several.Contains((cluster, of)) ? $"{dataset.Key.Task}/{of}" : of, Mean: Estimate.Mean([.. dataset.Select(c => c.Estimate)]))).ToList();
            foreach (var (name, mean) in datasets) Add(means, new ScoreMean(model, MeanScope.Dataset, cluster, name, first, "all", mean, null));
            var all = Estimate.Mean([.. datasets.Select(d => d.Mean)]);
            Add(means, new ScoreMean(model, MeanScope.Cluster, cluster, null, first, "all", all, null));
            return all;
        }
    }

    private void Add(List<ScoreMean> means, ScoreMean mean)
    {
        var other = mean.Model == baseline ? null : means.Find(m => m.Model == baseline && m.Scope == mean.Scope && m.Cluster == mean.Cluster && m.Dataset == mean.Dataset && m.Language == mean.Language && m.Split == mean.Split);
        means.Add(mean with { Difference = other is null ? null : mean.Estimate.Minus(other.Estimate) });
    }

    private IEnumerable<(string Name, Func<string, bool> IsIn)> Splits(HashSet<string> languages)
    {
        yield return ("all", _ => true);
        if (!languages.Overlaps(seen) || languages.IsSubsetOf(seen)) yield break;
        yield return ("seen", seen.Contains);
        yield return ("unseen", language => !seen.Contains(language));
    }

    private static string Name(ScoredFile file) => $"{file.Task}/{file.Dataset}/{file.Template}";

    private sealed record Counted(Cell Cell, Dictionary<long, double[]> Items, string Name);
}
