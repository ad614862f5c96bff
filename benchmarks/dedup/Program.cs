using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Clustering;
using XInstruct.Training.Embeddings;

// Documents a second that are sketched and deduplicated, and vectors that are compared with all before them:
// dotnet run -c Release --project benchmarks/dedup -- [documents [threads [vectors of 384 numbers]]]
var documents = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40_000;
var threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
var random = new DeterministicRandom("benchmarks/dedup");
string[] words = [.. Enumerable.Range(0, 20_000).Select(_ => new string([.. Enumerable.Range(0, 2 + random.Next(9)).Select(_ => (char)('a' + random.Next(26)))]))];
var texts = new string[documents];
for (var i = 0; i < documents; i++) texts[i] = i % 10 == 9 ? texts[i - 5][..^20] + Text(20) : Text(1000);
Parallel.For(0, Math.Min(documents, 2000), i => TextSketch.Of(texts[i]));

var sketches = new TextSketch[documents];
var empty = GC.GetTotalMemory(forceFullCollection: true);
var (sketching, before) = (Stopwatch.StartNew(), Environment.CpuUsage.TotalTime);
Parallel.For(0, documents, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => sketches[i] = TextSketch.Of(texts[i]));
sketching.Stop();
// What an idle machine would do: beside other work a thread has but a part of its core.
var cores = (Environment.CpuUsage.TotalTime - before).TotalSeconds / threads;
var finding = Stopwatch.StartNew();
using var finder = await NearDuplicateFinder.ForeseeAsync(0.8, sketches.ToAsyncEnumerable(), () => File.Create(Path.GetTempFileName(), 4096, FileOptions.DeleteOnClose));
var found = 0;
for (var i = 0; i < documents; i++)
{
    found += finder.Add(i, sketches[i]) is null ? 0 : 1;
    sketches[i] = null!;
}

finding.Stop();
var held = GC.GetTotalMemory(forceFullCollection: true) - empty;
GC.KeepAlive(finder);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
    documents            {documents} of 1,000 characters, {threads} threads
    sketching            {documents / sketching.Elapsed.TotalSeconds:F0} documents/s
    by processor time    {documents / cores:F0} documents/s
    finding              {documents / finding.Elapsed.TotalSeconds:F0} documents/s (one thread)
    both                 {documents / (sketching.Elapsed + finding.Elapsed).TotalSeconds:F0} documents/s
    near-duplicates      {found} found, {documents / 10} made
    held                 {(double)held / documents:F0} bytes a document
    """));

if (args.Length > 2) Vectors(int.Parse(args[2], CultureInfo.InvariantCulture));

void Vectors(int count)
{
    const int width = 384;
    var folder = Directory.CreateTempSubdirectory("xi-dedup-").FullName;
    try
    {
        var (path, vector, earlier) = (Path.Combine(folder, "vectors"), new float[width], new List<float[]>());
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20))
        {
            for (var i = 0; i < count; i++)
            {
                // Every tenth is an earlier one with a little noise.
                var isCopy = i % 10 == 9;
                var of = isCopy ? earlier[random.Next(earlier.Count)] : [];
                for (var j = 0; j < width; j++) vector[j] = ((float)random.NextDouble() - 0.5f) * (isCopy ? 0.02f : 1) + (isCopy ? of[j] : 0);
                var norm = MathF.Sqrt(vector.Sum(v => v * v));
                for (var j = 0; j < width; j++) vector[j] /= norm;
                if (!isCopy && earlier.Count < 1000) earlier.Add([.. vector]);
                file.Write(MemoryMarshal.AsBytes(vector.AsSpan()));
            }
        }

        using var files = new VectorFiles([path], width);
        var spent = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        var repeats = NearVectors.Repeats(files, 0.9, threads).Count;
        var peak = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} vectors of {width}  {clock.Elapsed.TotalSeconds:F1} s, {(Environment.CpuUsage.TotalTime - spent).TotalSeconds / threads:F1} s by processor time of {threads} threads; {repeats} found, {count / 10} made; most memory of the process {int.Parse(peak, CultureInfo.InvariantCulture) >> 10} MiB"));
    }
    finally
    {
        Directory.Delete(folder, recursive: true);
    }
}

string Text(int length)
{
    var text = new System.Text.StringBuilder(length + 10);
    while (text.Length < length) text.Append(words[random.Next(words.Length)]).Append(' ');
    return text.ToString(0, length);
}
