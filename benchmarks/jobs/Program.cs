// A whole durable curation of synthetic rows by the sample's tiny model, killed on its way and started again: seconds of each stage, most memory of any process,
// and the hash of the result, which is the same however often it was killed.
// dotnet run -c Release --project benchmarks/jobs -- [rows [shares of the way at which it is killed …]], e.g. 400000 0.4 0.7
using System.Globalization;
using System.Text.Json;
using XInstruct.Benchmarks.Jobs;
using XInstruct.Domain.Statistics;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Sources = 4, Words = 20_000;
var rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 20_000;
double[] kills = [.. args.Skip(1).Select(share => double.Parse(share, CultureInfo.InvariantCulture))];
await using var product = await BuiltProduct.CreateAsync();
var random = new DeterministicRandom("benchmarks/jobs");
var words = Enumerable.Range(0, Words).Select(_ => new string([.. Enumerable.Range(0, 2 + random.Next(8)).Select(_ => (char)('a' + random.Next(26)))])).ToArray();
var recipe = Path.Combine(product.Folder, "recipe.yaml");
for (var source = 0; source < Sources; source++)
{
    await using var file = new StreamWriter(Path.Combine(product.Folder, $"{source}.jsonl"));
    for (var row = source; row < rows; row += Sources) await file.WriteLineAsync(JsonSerializer.Serialize(new { instruction = Text(2 + random.Next(7)), output = Text(80) }));
}

await File.WriteAllTextAsync(recipe, $$"""
    name: scale
    device: cpu
    threads: 2
    sources: [{{string.Join(", ", Enumerable.Range(0, Sources).Select(i => $"{{ path: {i}.jsonl, group: '{i}' }}"))}}]
    perplexity: { model: {{product.Root}}/samples/models/tiny }
    vectors: { model: {{product.Root}}/samples/models/tiny }
    clusters: { count: 100, starts: 1 }
    sampling: { method: ppl, share: 0.01 }
    """);
foreach (var share in kills.Append(double.PositiveInfinity))
{
    var run = await product.RunAsync(share, "curate", recipe, "--json");
    foreach (var (stage, seconds) in run.Stages) Console.WriteLine($"{stage,-12} {seconds,7:F1} s");
    Console.WriteLine($"{run.Seconds:F1} s in all, most memory of a process {run.Peak >> 10} MiB, {(run.Result is { } result ? $"result {result}" : $"killed at {run.Share:F2} of the way")}");
}

string Text(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => words[random.Next(words.Length)]));
