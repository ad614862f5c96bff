// Writes samples/corpus, samples/seeds, samples/truth, samples/topics and samples/lexicon.json from the phrase tables in samples/phrases.
// dotnet run --project benchmarks/samples -- samples
using XInstruct.Benchmarks.Samples;

var folder = Path.GetFullPath(args.Length > 0 ? args[0] : "samples");
foreach (var (name, text) in SampleFiles.Of(folder))
{
    var path = Path.Combine(folder, name);
    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
    File.WriteAllText(path, text);
    Console.WriteLine($"{name}: {text.Count(c => c == '\n')} lines");
}
