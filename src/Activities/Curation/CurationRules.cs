using System.Globalization;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Curation;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Curation;

/// <summary>What a curation's recipe must hold beside what its types say.</summary>
internal static class CurationRules
{
    /// <summary>Formats of chosen rows.</summary>
    public static readonly IReadOnlyList<string> Formats = ["alpaca", "sharegpt", "messages"];

    private const int RowsLookedAt = 50;

    public static async Task CheckAsync(CurationRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        var (perplexity, vectors, grid) = (recipe.Perplexity, recipe.Vectors, recipe.Grid);
        check.Require(recipe.Sources.Count > 0, "sources", "Missing: a list of tables, e.g. [{ path: data.jsonl, group: data }].");
        check.Require(perplexity.Model is null || perplexity.Column is null, "perplexity.column", "Perplexities come from a model or from a column, not from both.");
        check.Require(vectors.Encoder is null != vectors.Model is null, "vectors", "Give encoder (a folder with model.onnx) or model (a folder in Hugging Face's layout): one of them.");
        check.Require(vectors.Model is null || vectors.Pooling == EncoderPooling.Mean, "vectors.pooling", "A model's hidden states are averaged (mean). For cls or pooler give an encoder.");
        foreach (var unknown in grid.Methods.Where(name => !IsMethod(name))) check.Require(false, "grid.methods", $"'{unknown}' is no method. Allowed: rand, ppl, pplH.");
        foreach (var unknown in recipe.Formats.Where(name => !Formats.Contains(name))) check.Require(false, "formats", $"'{unknown}' is no format. Allowed: {string.Join(", ", Formats)}.");
        check.Require(grid.LengthGroups.All(n => n is >= 1 and <= 10_000), "grid.lengthGroups", "Must be numbers from 1 to 10000.");
        check.Require(grid.Clusters.All(n => n is >= 1 and <= 100_000), "grid.clusters", "Must be numbers from 1 to 100000.");
        check.Require(grid.Shares.All(n => n is > 0 and <= 1), "grid.shares", "Must be numbers above 0 and at most 1.");
        if (check.Has("grid")) return;
        var cells = CurationGroups.Cells(recipe);
        var isMeasured = perplexity.Model is not null || perplexity.Column is not null;
        check.Require(isMeasured || cells.All(cell => cell.Method == SampleRule.Rand), cells[0].Method == SampleRule.Rand ? "grid.methods" : "sampling.method", "ppl and pplH need perplexities: give perplexity.model or perplexity.column, or sample by lot (rand).");
        var most = cells.Max(cell => cell.Clusters);
        check.Require(recipe.Clusters.BatchRows == 0 || recipe.Clusters.BatchRows >= most, "clusters.batchRows", string.Create(CultureInfo.InvariantCulture, $"Must be 0 or at least the clusters, {most}; it is {recipe.Clusters.BatchRows}."));
        for (var i = 0; i < recipe.Sources.Count; i++) await LookAsync(recipe, i, check, ct);
    }

    private static bool IsMethod(string name) => name is "rand" or "ppl" or "pplH" or "ppl_h";

    /// <summary>The first rows must have the columns, or all rows would be rejected hours later.</summary>
    private static async Task LookAsync(CurationRecipe recipe, int number, RecipeCheck check, CancellationToken ct)
    {
        var (source, key) = (recipe.Sources[number], $"sources.{number}");
        if (check.Has($"{key}.path")) return;
        var rows = await TableReader.ReadAsync(source.Path, new TableReadOptions(recipe.MaxRowBytes), ct).Take(RowsLookedAt).ToListAsync(ct);
        var readable = rows.Where(row => row.Columns is not null).ToList();
        if (readable.Count == 0)
        {
            check.Add($"{key}.path", rows.Count == 0 ? $"{source.Path} has no rows." : $"The first rows of {source.Path} cannot be read as JSONL, JSON array, CSV or Parquet: {rows[0].Problem}.");
            return;
        }

        var columns = source.Columns();
        var names = readable.SelectMany(row => row.Columns!.Keys).Distinct(StringComparer.Ordinal).ToList();
        Has("instruction", columns.Instruction);
        Has("output", columns.Output);
        if (source.Input is { } input) Has("input", input);
        if (recipe.Perplexity.Column is { } column && !readable.Exists(row => row.Find(column) is not null)) check.Require(false, "perplexity.column", $"The first rows of {source.Path} have no column '{column}'. There are: {string.Join(", ", names.Take(20))}.");

        void Has(string name, string place)
        {
            if (readable.Exists(row => row.Find(place) is not null)) return;
            var nearest = names.Count == 0 ? "" : $" Did you mean '{RecipeKey.Nearest(place, names)}'?";
            check.Add($"{key}.{name}", $"The first rows of {source.Path} have no column '{place}'.{nearest} There are: {string.Join(", ", names.Take(20))}.");
        }
    }
}
