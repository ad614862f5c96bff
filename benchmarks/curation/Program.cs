using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using XInstruct.Activities.Curation;
using XInstruct.Domain.Curation;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Clustering;

// Curating synthetic rows without their models, beside scikit-learn on the same vectors, then metrics:
// dotnet run -c Release --project benchmarks/curation -- [rows] [starts] [batch rows, 0: all at once]
const int Width = 384, Groups = 5, Clusters = 100, Threads = 2, Hidden = 200;
var rows = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40_000;
var starts = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 10;
var batch = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 0;
var folder = Directory.CreateTempSubdirectory("xi-curation-").FullName;
try
{
    var random = new DeterministicRandom("benchmarks/curation");
    string[] words = [.. Enumerable.Range(0, 20_000).Select(_ => new string([.. Enumerable.Range(0, 2 + random.Next(9)).Select(_ => (char)('a' + random.Next(26)))]))];
    var (source, vectorFile) = (Path.Combine(folder, "source.jsonl"), Path.Combine(folder, "vectors"));
    using (var writer = new StreamWriter(source))
    {
        for (var i = 0; i < rows; i++) await writer.WriteLineAsync(JsonSerializer.Serialize(new { instruction = Text(3 + random.Next(40)), output = Text(80) }));
    }

    WriteVectors(vectorFile);
    var recipe = new CurationRecipe
    {
        Threads = Threads,
        LengthGroups = Groups,
        Sources = [new CurationSource { Group = "all" }],
        Clusters = new() { Count = Clusters, Starts = starts, BatchRows = batch },
        Sampling = new() { Share = 0.01 },
    };

    var clock = Stopwatch.StartNew();
    var part = Path.Combine(folder, "merged");
    await using (var file = new FileStream(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
    {
        await foreach (var row in SourceMerger.ReadAsync(recipe, recipe.Sources[0], source, default))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(row, row.GetType(), EventJson.Options));
            file.WriteByte((byte)'\n');
        }
    }

    using var merged = RowTables.Merged(Path.Combine(folder, "sorted.jsonl"), [part], dropDuplicates: false);
    double?[] perplexities = [.. Enumerable.Range(0, merged.Count).Select(_ => (double?)Math.Round(10 + (random.NextDouble() * 990), 2))];
    using var table = RowTables.Measured(Path.Combine(folder, "measured.jsonl"), merged, perplexities);
    var ranges = CurationGroups.Ranges(table, Groups);
    Tell("merge, sort, length groups", clock, $"{table.Count / clock.Elapsed.TotalSeconds:F0} rows/s");

    clock.Restart();
    using var vectors = new VectorFiles([vectorFile], Width);
    var (labels, inertia, iterations) = (new int[table.Count], 0.0, 0);
    foreach (var range in ranges)
    {
        var result = CurationKind.Cluster(vectors.Range(range.First, range.Count), Clusters, recipe, default);
        result.Labels.CopyTo(labels, range.First);
        (inertia, iterations) = (inertia + result.Inertia, iterations + result.Iterations);
    }

    Tell(batch == 0 ? $"k-means, {starts} starts" : $"mini-batch k-means of {batch}, {starts} starts", clock, $"inertia {inertia:F0}, {iterations} iterations of the best starts");
    clock.Restart();
    var kept = CurationKind.Sample(table, ranges, labels, new CurationCell(Groups, Clusters, SampleRule.Ppl, 0.01), 42);
    Tell("sampling", clock, $"{kept.Count} rows kept; rows·N + K·L/2 = {(rows * 0.01) + (Clusters * Groups / 2)}");
    Console.WriteLine($"peak memory of all that            {Peak()} MiB");
    Peer(ranges);
    Metrics();

    string Text(int count) => string.Join(' ', Enumerable.Range(0, count).Select(_ => words[random.Next(words.Length)]));

    void WriteVectors(string path)
    {
        // Clouds around hidden centres, of unequal sizes, that lie into each other.
        var centers = Enumerable.Range(0, Hidden).Select(_ => Enumerable.Range(0, Width).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray()).ToArray();
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        var vector = new float[Width];
        for (var i = 0; i < rows; i++)
        {
            var center = centers[Math.Min(random.Next(Hidden), random.Next(Hidden))];
            for (var j = 0; j < Width; j += 4)
            {
                var bits = random.NextUInt64();
                for (var k = 0; k < 4; k++) vector[j + k] = center[j + k] + ((((bits >> (16 * k)) & 0xFFFF) / 65535f) - 0.5f) * 3;
            }

            file.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
        }
    }

    void Peer(IReadOnlyList<GroupRange> groups)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "kmeans.py");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("PYTHON") ?? "/usr/bin/python3") { UseShellExecute = false };
        foreach (var word in (string[])[script, vectorFile, $"{Width}", $"{Clusters}", $"{starts}", $"{batch}", .. groups.SelectMany(g => new[] { $"{g.First}", $"{g.Count}" })]) start.ArgumentList.Add(word);
        foreach (var name in (string[])["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]) start.Environment[name] = $"{Threads}";
        using var peer = Process.Start(start)!;
        peer.WaitForExit();
    }

    void Metrics()
    {
        string[] references = [.. Enumerable.Range(0, 2000).Select(_ => Text(60))];
        string[] candidates = [.. references.Select(text => string.Join(' ', text.Split(' ').Where((_, i) => i % 4 != 0)) + " " + Text(15))];
        var sum = 0.0;
        foreach (var (name, score) in new (string, Func<int, double>)[] { ("ROUGE-1, 2, L", OfRouge), ("chrF", i => Chrf.OfSentence(candidates[i], [references[i]], new ChrfOptions())) })
        {
            for (var i = 0; i < 200; i++) sum += score(i);
            clock.Restart();
            var before = Environment.CpuUsage.TotalTime;
            for (var i = 0; i < references.Length; i++) sum += score(i);
            Tell($"{name} of 60 words, 1 thread", clock, $"{references.Length / clock.Elapsed.TotalSeconds:F0} rows/s, {references.Length / (Environment.CpuUsage.TotalTime - before).TotalSeconds:F0} by processor time");
        }

        GC.KeepAlive(sum);

        double OfRouge(int i)
        {
            var (candidate, reference) = (RougeWords.AnyScript(candidates[i]), RougeWords.AnyScript(references[i]));
            return Rouge.OfNgrams(candidate, reference, 1).FMeasure + Rouge.OfNgrams(candidate, reference, 2).FMeasure + Rouge.OfSubsequence(candidate, reference).FMeasure;
        }
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static void Tell(string what, Stopwatch clock, FormattableString more) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-34} {clock.Elapsed.TotalSeconds:F1} s; ") + FormattableString.Invariant(more));

static long Peak() => long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) >> 10;
