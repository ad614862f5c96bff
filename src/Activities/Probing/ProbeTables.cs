using System.Globalization;
using System.Text;
using System.Text.Json;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Exports;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Probing;
using XInstruct.Domain.Provenance;

namespace XInstruct.Activities.Probing;

/// <summary>A layer's components with the names of what they are of.</summary>
internal sealed record NamedComponents(string Model, string Task, int Layer, IReadOnlyList<double> Explained, IReadOnlyList<NamedPoint> Points);

/// <summary>A text in a layer's plane.</summary>
internal sealed record NamedPoint(string Language, long Row, double X, double Y);

/// <summary>How alike a layer orders the parallel rows of two languages.</summary>
/// <param name="Pair">The languages.</param>
/// <param name="R">Pearson's correlation of the first component; null when there are fewer than three rows or one of the sides is constant.</param>
/// <param name="Rows">Rows that both have.</param>
internal sealed record PairCorrelation(string Model, string Task, LanguagePair Pair, int Layer, double? R, int Rows);

/// <summary>What a probe found.</summary>
internal sealed record ProbeResult(IReadOnlyList<LensCurve> Curves, IReadOnlyList<NamedComponents> Components, IReadOnlyList<PairCorrelation> Pairs)
{
    /// <summary>The correlations of pairs of languages, by row.</summary>
    public static IReadOnlyList<PairCorrelation> Correlate(IReadOnlyList<NamedComponents> components, IReadOnlyList<LanguagePair> pairs) => [.. components.SelectMany(c =>
    {
        var languages = c.Points.GroupBy(p => p.Language, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.ToDictionary(p => p.Row, p => p.X), StringComparer.Ordinal);
        return pairs.Where(pair => languages.ContainsKey(pair.First) && languages.ContainsKey(pair.Second)).Select(pair =>
        {
            var (first, second) = (languages[pair.First], languages[pair.Second]);
            var rows = first.Keys.Where(second.ContainsKey).Order().ToList();
            var r = rows.Count < 3 ? double.NaN : Ranks.Pearson([.. rows.Select(row => first[row])], [.. rows.Select(row => second[row])]);
            return new PairCorrelation(c.Model, c.Task, pair, c.Layer, double.IsFinite(r) ? Math.Round(r, 6) : null, rows.Count);
        });
    })];
}

/// <summary>The results as CSV and JSON.</summary>
internal static class ProbeTables
{
    private static readonly string[] LensColumns = ["model", "task", "language", "layer", "measure", "mean", "low", "high", "items", "used", "droppedWithoutIds", "droppedSharedIds", "unread", "ambiguousIds"];
    private static readonly string[] PearsonColumns = ["model", "task", "first", "second", "layer", "r", "rows"];
    private static readonly string[] PointColumns = ["model", "task", "layer", "language", "row", "x", "y"];
    private static readonly string[] ExplainedColumns = ["model", "task", "layer", "first", "second", "texts"];

    /// <summary>Name of a file's task; of a prompted one with data set and template.</summary>
    public static string TaskName(TaskUnit unit) => string.Join('/', ((string?[])[unit.Name, unit.Dataset, unit.Template]).OfType<string>());

    /// <summary>Writes lens.csv, pearson.csv, pca.csv and results.json.</summary>
    public static async Task WriteAsync(string folder, ProbeResult result, CancellationToken ct)
    {
        var lens = result.Curves.SelectMany(c => c.Layers.SelectMany(layer => Measures(layer).Select(m => (object?[])
            [c.Model, c.Task, c.Language, layer.Layer, m.Name, Number(m.Mean.Mean), Number(m.Mean.Low), Number(m.Mean.High), c.Items, c.Used, c.WithoutIds, c.SharedIds, c.Unread, c.Ambiguous]))).ToList();
        var pearson = result.Pairs.Select(p => (object?[])[p.Model, p.Task, p.Pair.First, p.Pair.Second, p.Layer, p.R, p.Rows]).ToList();
        var explained = result.Components.Where(c => c.Explained.Count > 0).Select(c => (object?[])[c.Model, c.Task, c.Layer, c.Explained[0], c.Explained[1], c.Points.Count]).ToList();
        var points = result.Components.SelectMany(c => c.Points.Select(p => (object?[])[c.Model, c.Task, c.Layer, p.Language, p.Row, p.X, p.Y]));
        if (result.Curves.Count > 0) await CsvAsync("lens.csv", LensColumns, lens);
        if (result.Components.Count > 0)
        {
            await CsvAsync("pearson.csv", PearsonColumns, pearson);
            await CsvAsync("pca.csv", PointColumns, points);
        }

        var dropped = result.Curves.Select(c => new { c.Model, c.Task, c.Language, c.Items, c.Used, c.WithoutIds, c.SharedIds, c.Unread, c.Ambiguous });
        var json = new { Lens = Objects(LensColumns[..8], lens), Items = dropped, Pearson = Objects(PearsonColumns, pearson), Explained = Objects(ExplainedColumns, explained) };
        await File.WriteAllTextAsync(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(json, EventJson.Indented) + "\n", ct);

        async Task CsvAsync(string name, string[] columns, IEnumerable<object?[]> rows)
        {
            await using var file = new StreamWriter(Path.Combine(folder, name), false, new UTF8Encoding(false));
            await file.WriteAsync(CsvWriter.Line(columns));
            foreach (var row in rows) await file.WriteAsync(CsvWriter.Line(row.Select(value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")));
        }
    }

    /// <summary>The means that a layer has, by name.</summary>
    public static IEnumerable<(string Name, LensMean Mean)> Measures(LensLayer layer) =>
        ((string, LensMean?)[])[("goldEnglish", layer.GoldEnglish), ("goldLocal", layer.GoldLocal), ("allEnglish", layer.AllEnglish), ("allLocal", layer.AllLocal), ("entropy", layer.Entropy)] is var all
            ? all.Where(m => m.Item2 is not null).Select(m => (m.Item1, m.Item2!)) : [];

    private static double Number(double value) => Math.Round(value, 9);

    private static List<Dictionary<string, object?>> Objects(string[] columns, List<object?[]> rows) =>
        [.. rows.Select(row => columns.Zip(row).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal))];
}
