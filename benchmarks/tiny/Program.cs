using System.Diagnostics;
using System.Globalization;
using XInstruct.Benchmarks.Tiny;

// Usage: tiny SAMPLES LANGUAGES SEEDS [name=value …]; prints accuracy, kept precision and seconds of each iteration.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var settings = new TinySettings();
foreach (var argument in args.Skip(3))
{
    var (name, value) = (argument.Split('=')[0], argument.Split('=')[1]);
    double Number() => double.Parse(value, CultureInfo.InvariantCulture);
    settings = name switch
    {
        "iterations" => settings with { Iterations = (int)Number() },
        "threads" => settings with { Threads = (int)Number() },
        "vocabulary" => settings with { Vocabulary = (int)Number() },
        "batch" => settings with { BatchTokens = (int)Number() },
        "first" => settings with { FirstTokens = (long)Number() },
        "later" => settings with { LaterTokens = (long)Number() },
        "rate" => settings with { LearningRate = Number() },
        "decay" => settings with { WeightDecay = Number() },
        "smoothing" => settings with { LabelSmoothing = Number() },
        "dropout" => settings with { Dropout = Number() },
        "shuffle" => settings with { Shuffle = Number() },
        "drop" => settings with { Drop = Number() },
        "keep" => settings with { Keep = [.. value.Split(',').Select(share => double.Parse(share, CultureInfo.InvariantCulture))] },
        "control" => settings with { Control = value },
        _ => throw new ArgumentException($"Unknown setting '{name}'."),
    };
}
var corpus = TinyCorpus.Load(args[0], args[1].Split(','));
Console.WriteLine($"{corpus.Texts.Count} texts, {corpus.Seeds.Count} seeds, {settings}");
foreach (var seed in args[2].Split(',').Select(ulong.Parse))
{
    var clock = Stopwatch.StartNew();
    foreach (var result in new TinyLoop(corpus, settings with { Seed = seed }, TinyModel.Create).Run())
    {
        Console.WriteLine($"seed {seed} iteration {result.Iteration}: accuracy {result.Accuracy:F3} kept {result.Kept} precision {result.KeptPrecision:F3} "
            + $"train {result.TrainSeconds:F1} s ({result.TokensPerSecond:F0} tokens/s) generate {result.GenerateSeconds:F1} s total {clock.Elapsed.TotalSeconds:F1} s");
    }
}
