using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Truth;

/// <summary>A truth file cannot be used.</summary>
public sealed class TruthException(string message) : Exception(message);

/// <summary>Reads the truth of a recipe.</summary>
public static class TruthReader
{
    private const long LongestLexicon = 16 << 20;

    private static readonly TableReadOptions Options = new(10_000_000);

    /// <summary>The truth of each of the recipe's languages.</summary>
    /// <exception cref="TruthException">The files are not index-parallel, an id stands twice, or a field is nowhere.</exception>
    public static async Task<IReadOnlyDictionary<string, CorpusTruth>> ReadAsync(LoadedRecipe loaded, CancellationToken ct)
    {
        var truths = new Dictionary<string, CorpusTruth>(StringComparer.Ordinal);
        if (loaded.Recipe.Truth is not { } options) return truths;
        foreach (var language in loaded.Recipe.Languages) truths[language] = await ReadAsync(options, language, ct);
        return truths;
    }

    /// <summary>Reads instructions with the recipe's lexicon and the values that the truth has.</summary>
    public static async Task<InstructionReader> ReaderAsync(LoadedRecipe loaded, IEnumerable<CorpusTruth> truths, CancellationToken ct)
    {
        var options = loaded.Recipe.Truth ?? throw new ArgumentException("The recipe has no truth.", nameof(loaded));
        var lexicon = options.Lexicon is null ? null : await LexiconAsync(options.Lexicon, ct);
        return new InstructionReader(options.Fields, loaded.Recipe.Languages, truths.SelectMany(t => t.Rows.Values), lexicon);
    }

    /// <summary>How a row is named where truth and corpus are joined by number.</summary>
    internal static string RowKey(long row) => row.ToString(CultureInfo.InvariantCulture);

    private static async Task<CorpusTruth> ReadAsync(TruthOptions options, string language, CancellationToken ct)
    {
        var own = await RowsAsync(PathKey.For(options.Path, language), ct);
        var aligned = options.AlignWith is null ? own : await RowsAsync(PathKey.For(options.AlignWith, language), ct);
        if (own.Count != aligned.Count)
        {
            throw new TruthException($"truth.alignWith has {aligned.Count} rows, the {language} truth has {own.Count}: the files must be index-parallel.");
        }

        var rows = new Dictionary<string, TruthRow>(StringComparer.Ordinal);
        foreach (var (row, source) in own.Zip(aligned))
        {
            var key = options.Id is null ? RowKey(row.Number) : row.Columns?.GetValueOrDefault(options.Id);
            if (key is null || row.Columns is null || source.Columns is null) continue;
            var values = options.Fields.Where(source.Columns.ContainsKey).ToDictionary(f => f, f => source.Columns[f], StringComparer.Ordinal);
            // The language is known without a column, and a column may hold its name.
            foreach (var field in options.Fields.Where(InstructionReader.IsLanguage))
            {
                values[field] = !values.TryGetValue(field, out var value) || value == Language.Parse(language).EnglishName ? language : value;
            }

            var spoilt = options.Spoilt is null ? null : row.Columns.GetValueOrDefault(options.Spoilt);
            if (!rows.TryAdd(key, new TruthRow(values, string.IsNullOrEmpty(spoilt) || spoilt == "none" ? null : spoilt)))
            {
                throw new TruthException($"The {language} truth has two rows whose {options.Id} is '{key}': which one is meant, nobody can know.");
            }
        }

        // Compared with a field that is nowhere, everything would be wrong, which is no figure but a mistake.
        if (options.Fields.FirstOrDefault(f => rows.Count > 0 && rows.Values.All(r => !r.Values.ContainsKey(f))) is { } missing)
        {
            throw new TruthException($"No row of the {language} truth has a '{missing}'. Look at truth.fields.");
        }

        return new CorpusTruth(options.Id is not null, rows);
    }

    private static async Task<List<TableRow>> RowsAsync(string path, CancellationToken ct)
    {
        var rows = new List<TableRow>();
        await foreach (var row in TableReader.ReadAsync(path, Options, ct)) rows.Add(row);
        return rows;
    }

    private static async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, IReadOnlyList<string>>>> LexiconAsync(string path, CancellationToken ct)
    {
        if (new FileInfo(path).Length > LongestLexicon) throw new TruthException($"The lexicon {path} is longer than {LongestLexicon} bytes.");
        try
        {
            var fields = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, List<string>>>>(await File.ReadAllBytesAsync(path, ct));
            return fields!.ToDictionary(
                f => f.Key,
                f => (IReadOnlyDictionary<string, IReadOnlyList<string>>)f.Value.ToDictionary(v => v.Key, v => (IReadOnlyList<string>)v.Value, StringComparer.Ordinal),
                StringComparer.Ordinal);
        }
        catch (Exception e) when (e is JsonException or NullReferenceException or ArgumentNullException)
        {
            throw new TruthException($"The lexicon {path} must be JSON of the form {{\"field\": {{\"value\": [\"word\"]}}}}: {e.Message}");
        }
    }
}
