using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Activities.Exports;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Evaluation;

/// <summary>The results as CSV and JSON.</summary>
internal static class ResultFiles
{
    private static readonly string[] CellColumns = ["model", "task", "language", "cluster", "dataset", "template", "measure", "isFirst", "score", "low", "high", "items", "unscored", "ties", "sharedIds", "chance", "uncertain"];
    private static readonly string[] ComparisonColumns = ["model", "baseline", "task", "language", "dataset", "template", "measure", "difference", "low", "high", "p", "pHolm", "test", "items"];
    private static readonly string[] MeanColumns = ["model", "scope", "cluster", "dataset", "language", "split", "score", "low", "high", "difference", "differenceLow", "differenceHigh", "items"];
    private static readonly string[] ConfidenceColumns = ["model", "task", "items", "chance", "calibrationError", "share", "accuracy"];

    /// <summary>Writes results.csv, comparisons.csv, means.csv, confidence.csv and results.json.</summary>
    public static async Task WriteAsync(string folder, EvaluationResult result, CancellationToken ct)
    {
        List<object?[]> cells = [.. result.Cells.Select(c => (object?[])[c.Model, c.Task, c.Language, c.Cluster, c.Dataset, c.Template, c.Measure.Name, c.IsFirst, .. Scores(c.Estimate), c.Estimate.Count, c.Unscored, c.Ties, c.SharedIds, c.Chance is { } chance ? Number(chance, 4) : null, c.Uncertain])];
        List<object?[]> comparisons = [.. result.Comparisons.Select(c => (object?[])
            [c.Of.Model, c.Baseline, c.Of.Task, c.Of.Language, c.Of.Dataset, c.Of.Template, c.Of.Measure.Name, .. Scores(c.Difference), Number(c.PValue, 6), c.Of.IsFirst ? Number(c.AdjustedPValue, 6) : null, c.Test, c.Difference.Count])];
        List<object?[]> means = [.. result.Means.Select(m => (object?[])
            [m.Model, JsonNamingPolicy.CamelCase.ConvertName(m.Scope.ToString()), m.Cluster, m.Dataset, m.Language, m.Split, .. Scores(m.Estimate), .. m.Difference is { } d ? Scores(d) : [null, null, null], m.Estimate.Count])];
        List<object?[]> confidence = [.. result.Confidence.SelectMany(c => c.Accuracy.Select((accuracy, i) => (object?[])
            [c.Model, c.Task, c.Items, Number(c.Chance, 4), Number(c.CalibrationError, 4), Number((i + 1.0) / ConfidenceCurve.Points, 4), Number(accuracy, 4)]))];
        await CsvAsync("results.csv", CellColumns, cells);
        await CsvAsync("comparisons.csv", ComparisonColumns, comparisons);
        await CsvAsync("means.csv", MeanColumns, means);
        await CsvAsync("confidence.csv", ConfidenceColumns, confidence);
        var json = new { Results = Objects(CellColumns, cells), Comparisons = Objects(ComparisonColumns, comparisons), Means = Objects(MeanColumns, means), Confidence = Objects(ConfidenceColumns, confidence) };
        await File.WriteAllTextAsync(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(json, EventJson.Indented) + "\n", ct);

        async Task CsvAsync(string name, string[] columns, List<object?[]> rows)
        {
            var text = new StringBuilder(CsvWriter.Line(columns));
            foreach (var row in rows) text.Append(CsvWriter.Line(row.Select(value => value switch { null => "", bool flag => flag ? "true" : "false", _ => Convert.ToString(value, CultureInfo.InvariantCulture)! })));
            await File.WriteAllTextAsync(Path.Combine(folder, name), text.ToString(), ct);
        }
    }

    private static object?[] Scores(Estimate estimate) => [Number(estimate.Score, 4), Number(estimate.Interval.Low, 4), Number(estimate.Interval.High, 4)];

    private static object? Number(double value, int digits) => double.IsFinite(value) ? Math.Round(value, digits) : null;

    private static List<Dictionary<string, object?>> Objects(string[] columns, List<object?[]> rows) =>
        [.. rows.Select(row => columns.Zip(row).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal))];
}
