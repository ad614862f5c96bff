using System.Text.Encodings.Web;
using System.Text.Json;

namespace XInstruct.Benchmarks.Samples;

/// <summary>The files that are composed of the phrase tables.</summary>
internal static class SampleFiles
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n" };

    /// <summary>Their names in the samples' folder, and their texts.</summary>
    /// <param name="folder">The folder; its phrases are read.</param>
    public static IEnumerable<(string Name, string Text)> Of(string folder)
    {
        var tables = Directory.GetFiles(Path.Combine(folder, "phrases"), "*.json").Order(StringComparer.Ordinal)
            .ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => JsonSerializer.Deserialize<PhraseTable>(File.ReadAllText(f), Options)!, StringComparer.Ordinal);
        foreach (var (code, sample, rows) in Draw(tables, byRemainder: true))
        {
            yield return ($"seeds/{code}.jsonl", Lines(sample.Seeds.Select(s => new { s.Instruction, Output = s.Text, Lang = code })));
            yield return ($"corpus/{code}.jsonl", Lines(rows.Select(r => new { r.Id, r.Text })));
            yield return ($"truth/{code}.jsonl", Lines(rows.Select(r => new { r.Id, r.Topic, r.Intent, Lang = code, r.Spoilt, r.Of })));
        }

        // Texts of another draw: none of them is in the corpus.
        foreach (var (code, _, rows) in Draw(tables, byRemainder: false))
        {
            var asked = rows.Where(r => r.Spoilt is null).GroupBy(r => r.Topic, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).SelectMany(g => g.Take(6)).OrderBy(r => r.Id, StringComparer.Ordinal);
            yield return ($"topics/{code}.jsonl", Lines(asked.Select(r => new { r.Id, r.Text, r.Topic, Lang = code })));
        }

        yield return ("lexicon.json", JsonSerializer.Serialize(Instructions.Lexicon, Indented) + "\n");
    }

    private static IEnumerable<(string Code, LanguageSample Sample, IReadOnlyList<SampleRow> Rows)> Draw(Dictionary<string, PhraseTable> tables, bool byRemainder)
    {
        var samples = tables.ToDictionary(t => t.Key, t => new LanguageSample(t.Key, t.Value, byRemainder), StringComparer.Ordinal);
        return samples.Select(s => (s.Key, s.Value, s.Value.Spoil([.. samples.Where(other => other.Key != s.Key).SelectMany(other => other.Value.Clean.Take(40))])));
    }

    private static string Lines<T>(IEnumerable<T> rows) => string.Concat(rows.Select(row => JsonSerializer.Serialize(row, Options) + "\n"));
}
