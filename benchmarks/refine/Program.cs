// Does the refine loop help, and is it the loop that helps? Runs the demo with several seeds beside two controls: the same training without new
// data, and a random set of the same size kept. Prints accuracy and kept precision of every iteration, means, and what needs no model.
// dotnet run -c Release --project benchmarks/refine [-- RECIPE [SEEDS [key=value …]]]
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XInstruct.Benchmarks.Refine;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var root = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(root, "XInstruct.sln"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Not inside the repository.");
var recipe = args.Length > 0 ? args[0] : Path.Combine(root, "samples", "recipes", "demo.yaml");
var seeds = (args.Length > 1 ? args[1] : "1,2,3,4,5").Split(',');
(string Name, string[] Settings)[] arms = [("loop", []), ("same training, no new data", ["refine.newData=none"]), ("random pairs kept", ["refine.rank=random"])];

// One thread a run, as many runs as cores: the figures do not depend on it, the time does. Arms of a seed share iteration 0's models.
using var slots = new SemaphoreSlim(Environment.ProcessorCount);
var results = await Task.WhenAll(seeds.Select(SeedAsync));
foreach (var (arm, i) in arms.Select((a, i) => (a.Name, i)))
{
    Console.WriteLine();
    Console.WriteLine(arm);
    var iterations = results[0][i].Accuracy.Length;
    Console.WriteLine($"{"seed",6} {string.Join(' ', Enumerable.Range(0, iterations).Select(n => $"accuracy {n}"))} {string.Join(' ', Enumerable.Range(0, iterations).Select(n => $"precision {n}"))}   tokens a generator and iteration");
    foreach (var (seed, result) in seeds.Zip(results)) Row(seed, result[i].Accuracy, result[i].Precision, string.Join(' ', result[i].Tokens));
    Row("mean", Mean(results.Select(r => r[i].Accuracy)), Mean(results.Select(r => r[i].Precision)), "");
}

Console.WriteLine();
Console.WriteLine($"naive Bayes on the same seeds {results.Average(r => r[0].NaiveBayes):F3}, chance {results.Average(r => r[0].Chance):F3}");

async Task<Result[]> SeedAsync(string seed)
{
    var done = new List<Result>();
    foreach (var (name, settings) in arms)
    {
        await slots.WaitAsync();
        try
        {
            done.Add(await RunAsync([.. settings, $"seed={seed}", "threads=1", "models.student.tuning.steps=1", .. args.Skip(2)]));
            await Console.Error.WriteLineAsync($"seed {seed}, {name}: accuracy {string.Join(' ', done[^1].Accuracy)}, kept precision {string.Join(' ', done[^1].Precision)}");
        }
        finally
        {
            slots.Release();
        }
    }

    return [.. done];
}

async Task<Result> RunAsync(string[] settings)
{
    var start = new ProcessStartInfo(Path.Combine(root, "xinstruct")) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
    foreach (var word in (string[])["run", recipe, "--json", .. settings.SelectMany(s => new[] { "--set", s })]) start.ArgumentList.Add(word);
    using var process = Process.Start(start)!;
    var errors = process.StandardError.ReadToEndAsync();
    var lines = await process.StandardOutput.ReadToEndAsync();
    await process.WaitForExitAsync();
    if (process.ExitCode != 0) throw new InvalidOperationException($"'xinstruct run {string.Join(' ', settings)}' ended with {process.ExitCode}: {await errors}");
    var report = JsonDocument.Parse(lines.Trim().Split('\n')[^1]).RootElement;
    var iterations = report.GetProperty("iterations").EnumerateArray().ToList();
    var baselines = report.GetProperty("baselines");
    return new Result(
        [.. iterations.Select(i => i.GetProperty("accuracy").GetDouble())],
        [.. iterations.Select(i => i.GetProperty("precision").GetDouble())],
        [.. report.GetProperty("training").EnumerateArray().Where(t => t.GetProperty("role").GetString() == "generator-0").Select(t => t.GetProperty("tokens").GetInt64())],
        baselines.GetProperty("naiveBayes").GetDouble(),
        baselines.GetProperty("chance").GetDouble());
}

static double[] Mean(IEnumerable<double[]> rows) => [.. Enumerable.Range(0, rows.First().Length).Select(i => rows.Average(r => r[i]))];

static void Row(string name, double[] accuracy, double[] precision, string rest) =>
    Console.WriteLine($"{name,6} {string.Join(' ', accuracy.Select(a => $"{a,10:F3}"))} {string.Join(' ', precision.Select(p => $"{p,11:F3}"))}   {rest}");

namespace XInstruct.Benchmarks.Refine
{
    internal sealed record Result(double[] Accuracy, double[] Precision, long[] Tokens, double NaiveBayes, double Chance);
}
