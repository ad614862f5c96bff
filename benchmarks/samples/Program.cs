// Writes samples/corpus, samples/seeds, samples/truth, samples/topics and samples/lexicon.json from the phrase tables in samples/phrases.
// dotnet run --project benchmarks/samples -- samples
using System.Text.Encodings.Web;
using System.Text.Json;
using XInstruct.Benchmarks.Samples;

var folder = Path.GetFullPath(args.Length > 0 ? args[0] : "samples");
var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
var tables = Directory.GetFiles(Path.Combine(folder, "phrases"), "*.json").Order(StringComparer.Ordinal)
    .ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => JsonSerializer.Deserialize<PhraseTable>(File.ReadAllText(f), options)!, StringComparer.Ordinal);
var corpora = tables.ToDictionary(t => t.Key, t => new LanguageSample(t.Key, t.Value), StringComparer.Ordinal);
foreach (var (code, sample) in corpora)
{
    var other = corpora.Where(c => c.Key != code).SelectMany(c => c.Value.Clean.Take(40)).ToList();
    var rows = sample.Spoil(other);
    Write(Path.Combine("seeds", code + ".jsonl"), sample.Seeds.Select(s => (object)new { s.Instruction, Output = s.Text, Lang = code }));
    Write(Path.Combine("corpus", code + ".jsonl"), rows.Select(r => (object)new { r.Id, r.Text }));
    Write(Path.Combine("truth", code + ".jsonl"), rows.Select(r => (object)new { r.Id, r.Topic, r.Intent, Lang = code, r.Spoilt, r.Of }));
    var asked = rows.Where(r => r.Spoilt is null).GroupBy(r => r.Topic, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).SelectMany(g => g.Take(6)).OrderBy(r => r.Id, StringComparer.Ordinal);
    Write(Path.Combine("topics", code + ".jsonl"), asked.Select(r => (object)new { r.Id, r.Text, r.Topic, Lang = code }));
    Console.WriteLine($"{code}: {sample.Seeds.Count} seeds, {rows.Count} texts, {rows.Count(r => r.Spoilt is not null)} spoilt");
}

File.WriteAllText(Path.Combine(folder, "lexicon.json"), JsonSerializer.Serialize(Instructions.Lexicon, new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");

void Write(string name, IEnumerable<object> rows)
{
    var path = Path.Combine(folder, name);
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllText(path, string.Concat(rows.Select(r => JsonSerializer.Serialize(r, r.GetType(), options) + "\n")));
}
