using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Tables;

/// <summary>Files that a language's seeds come from.</summary>
/// <param name="Seeds">Pairs, or labelled rows.</param>
/// <param name="AlignWith">Index-parallel file that has the labels in a known language.</param>
public sealed record SeedFiles(string Seeds, string? AlignWith);

/// <summary>A seed file cannot be used.</summary>
public sealed class SeedException(string message) : Exception(message);

/// <summary>Reads seeds from pairs, or builds them from labelled rows by a template.</summary>
public static class SeedReader
{
    private static readonly TableReadOptions Options = new(10_000_000);

    /// <summary>A language's seeds by index.</summary>
    /// <exception cref="SeedException">A column is missing, files are not parallel, or there are too few rows.</exception>
    public static async Task<IReadOnlyList<Seed>> ReadAsync(Recipe recipe, string language, SeedFiles files, CancellationToken ct)
    {
        var options = recipe.Seeds;
        var rows = await RowsAsync(files.Seeds, ct);
        var labels = files.AlignWith is null ? rows : await RowsAsync(files.AlignWith, ct);
        if (labels.Count != rows.Count)
        {
            throw new SeedException($"seeds.alignWith has {labels.Count} rows, the {language} seeds have {rows.Count}: the files must be index-parallel.");
        }

        var indices = options.Take is { } take ? SeedSplit.Draw(rows.Count, take, recipe.Seed) : Enumerable.Range(0, rows.Count);
        var seeds = indices.Select(i => Build(i, rows[i], labels[i], options, recipe.Corpus, language)).Where(s => s.Output.Length > 0).ToList();
        return seeds.Count > 0 ? seeds : throw new SeedException($"The {language} seed file has no usable row. Look at seeds.instruction, seeds.output and seeds.template.");
    }

    private static Seed Build(int index, TableRow row, TableRow label, SeedOptions options, CorpusOptions corpus, string language)
    {
        if (options.Template is null) return new Seed(index, Column(row, options.Instruction, language), Column(row, options.Output, language));
        // Labelled rows hold texts of the corpus' kind, under the corpus' column.
        var text = row.Columns is { } columns && columns.TryGetValue(options.Output, out var own) ? own : Column(row, corpus.Text, language);
        var slots = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["label"] = Column(label, options.Label, language), ["language"] = Language.Parse(language).EnglishName,
        };
        return new Seed(index, PromptTemplate.Parse(options.Template).Fill(slots), text);
    }

    private static string Column(TableRow row, string name, string language)
    {
        if (row.Columns is null) throw new SeedException($"Row {row.Number + 1} of the {language} seeds cannot be read: {row.Problem}.");
        return row.Columns.TryGetValue(name, out var value)
            ? value
            : throw new SeedException($"Row {row.Number + 1} of the {language} seeds has no column '{name}'; it has {string.Join(", ", row.Columns.Keys)}. Map it under 'seeds:' in the recipe.");
    }

    private static async Task<List<TableRow>> RowsAsync(string path, CancellationToken ct)
    {
        var rows = new List<TableRow>();
        await foreach (var row in TableReader.ReadAsync(path, Options, ct)) rows.Add(row);
        return rows;
    }
}
