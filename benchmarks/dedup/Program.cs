using System.Diagnostics;
using System.Globalization;
using XInstruct.Domain.Deduplication;
using XInstruct.Domain.Statistics;

// Documents a second that are sketched and deduplicated: dotnet run -c Release --project benchmarks/dedup [documents] [threads]
var documents = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 40_000;
var threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
var random = new DeterministicRandom("benchmarks/dedup");
string[] words = [.. Enumerable.Range(0, 20_000).Select(_ => new string([.. Enumerable.Range(0, 2 + random.Next(9)).Select(_ => (char)('a' + random.Next(26)))]))];
var texts = new string[documents];
for (var i = 0; i < documents; i++) texts[i] = i % 10 == 9 ? texts[i - 5][..^20] + Text(20) : Text(1000);
Parallel.For(0, Math.Min(documents, 2000), i => TextSketch.Of(texts[i]));

var sketches = new TextSketch[documents];
var sketching = Stopwatch.StartNew();
Parallel.For(0, documents, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => sketches[i] = TextSketch.Of(texts[i]));
sketching.Stop();
var finding = Stopwatch.StartNew();
var finder = new NearDuplicateFinder(0.8);
var found = 0;
for (var i = 0; i < documents; i++) found += finder.Add(i, sketches[i]) is null ? 0 : 1;
finding.Stop();
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
    documents            {documents} of 1,000 characters, {threads} threads
    sketching            {documents / sketching.Elapsed.TotalSeconds:F0} documents/s
    finding              {documents / finding.Elapsed.TotalSeconds:F0} documents/s (one thread)
    both                 {documents / (sketching.Elapsed + finding.Elapsed).TotalSeconds:F0} documents/s
    near-duplicates      {found} found, {documents / 10} made
    """));

string Text(int length)
{
    var text = new System.Text.StringBuilder(length + 10);
    while (text.Length < length) text.Append(words[random.Next(words.Length)]).Append(' ');
    return text.ToString(0, length);
}
