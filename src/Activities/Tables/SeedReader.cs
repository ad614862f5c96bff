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

/// <summary>
/// Reads seeds from pairs, or builds them from labelled rows by a template. Rows are drawn by index from the recipe's seed and the number of rows
/// alone, so that index-parallel files of several languages give the same rows and no translation of a seed is left in a corpus.
/// </summary>
public static class SeedReader
{
    private static readonly TableReadOptions Options = new(10_000_000);

    /// <summary>A language's seeds by index.</summary>
    /// <exception cref="SeedException">A drawn row cannot be used, files are not parallel, or there are too few rows.</exception>
    public static async Task<IReadOnlyList<Seed>> ReadAsync(Recipe recipe, string language, SeedFiles files, CancellationToken ct)
    {
        var options = recipe.Seeds;
        var template = options.Template is null ? null : PromptTemplate.Parse(options.Template);
        var count = await CountAsync(files.Seeds, ct);
        if (files.AlignWith is not null && await CountAsync(files.AlignWith, ct) is var labelCount && labelCount != count)
        {
            throw new SeedException($"seeds.alignWith has {labelCount} rows, the {language} seeds have {count}: the files must be index-parallel.");
        }

        if (options.Take > count) throw new SeedException($"seeds.take asks for {options.Take} rows, the {language} seeds have {count}.");
        var indices = (options.Take is { } take ? SeedSplit.Draw(count, take, recipe.Seed) : [.. Enumerable.Range(0, count)]).ToHashSet();
        var rows = await ReadAsync(files.Seeds, indices, ct);
        var labels = files.AlignWith is null ? rows : await ReadAsync(files.AlignWith, indices, ct);
        var seeds = new List<Seed>(rows.Count);
        foreach (var (row, label) in rows.Zip(labels))
        {
            var instruction = template is null ? Instruction(row, options, language) : Fill(template, label, options.Label, language);
            var output = Column(row, options.Output, language);
            // An empty side teaches nothing; the row keeps its index, so other languages are not disturbed.
            if (instruction.AsSpan().Trim().IsEmpty || output.AsSpan().Trim().IsEmpty) continue;
            seeds.Add(new Seed((int)row.Number, instruction, output));
        }

        return seeds.Count > 0 ? seeds : throw new SeedException($"The {language} seed file has no usable row. Look at seeds.instruction, seeds.output and seeds.template.");
    }

    private static string Instruction(TableRow row, SeedOptions options, string language)
    {
        var instruction = Column(row, options.Instruction, language);
        return options.Input is { } column && row.Find(column) is { Length: > 0 } input ? $"{instruction}\n{input}" : instruction;
    }

    private static string Fill(PromptTemplate template, TableRow row, string column, string language) => template.Fill(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["label"] = Column(row, column, language),
        ["language"] = Language.Parse(language).EnglishName,
    });

    private static string Column(TableRow row, string name, string language)
    {
        if (row.Columns is null) throw new SeedException($"Row {row.Number} (from 0) of the {language} seeds cannot be read: {row.Problem}.");
        return row.Find(name)
            ?? throw new SeedException($"Row {row.Number} (from 0) of the {language} seeds has no column '{name}'; it has {string.Join(", ", row.Columns.Keys)}. Map it under 'seeds:' in the recipe.");
    }

    /// <summary>Rows of a seed file, readable or not.</summary>
    /// <exception cref="SeedException">The file is cut.</exception>
    public static async Task<int> CountAsync(string path, CancellationToken ct)
    {
        var count = 0;
        await foreach (var row in TableReader.ReadAsync(path, Options, ct))
        {
            if (row.Problem is "truncated" or "trailing-data") throw new SeedException($"{path} is damaged after row {row.Number}: {row.Problem}.");
            count++;
        }

        return count;
    }

    private static async Task<List<TableRow>> ReadAsync(string path, HashSet<int> indices, CancellationToken ct)
    {
        var rows = new List<TableRow>(indices.Count);
        await foreach (var row in TableReader.ReadAsync(path, Options, ct))
        {
            if (row.Number <= int.MaxValue && indices.Contains((int)row.Number)) rows.Add(row);
        }

        return rows;
    }
}
