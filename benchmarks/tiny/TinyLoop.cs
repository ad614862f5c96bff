using XInstruct.Training.Generation;
using XInstruct.Training.Models;
using XInstruct.Training.Tokenizers;
using XInstruct.Training.Tuning;

namespace XInstruct.Benchmarks.Tiny;

/// <summary>Settings of a run; the defaults are those found to work.</summary>
internal sealed record TinySettings
{
    public ulong Seed { get; init; } = 1;
    public int Iterations { get; init; } = 2;
    public int Threads { get; init; } = 2;
    public int Vocabulary { get; init; } = 1536;
    public int BatchTokens { get; init; } = 512;
    public long FirstTokens { get; init; } = 450_000;
    public long LaterTokens { get; init; } = 600_000;
    public double LearningRate { get; init; } = 4e-3;
    public double WeightDecay { get; init; } = 0.05;
    public double LabelSmoothing { get; init; } = 0.1;
    public double Dropout { get; init; } = 0.2;
    public double Shuffle { get; init; } = 0.5;
    public double Drop { get; init; } = 0.6;
    public double[] Keep { get; init; } = [0.3, 0.5];
    public string Control { get; init; } = "none";
}

/// <summary>What an iteration came to.</summary>
internal sealed record TinyResult(int Iteration, double Accuracy, double KeptPrecision, int Kept, double TrainSeconds, double GenerateSeconds, double TokensPerSecond);

/// <summary>
/// The X-Instruction loop with cross-fitting: the corpus is split in two halves; generator g labels half g and learns from the seeds and from
/// what was kept of the other half, so no generator rates or learns from itself.
/// </summary>
internal sealed class TinyLoop(TinyCorpus corpus, TinySettings settings, Func<int, double, ulong, Decoder> newModel)
{
    private static readonly string[] Special = ["<|text|>", "<|instruction|>", "<|end|>"];

    public IEnumerable<TinyResult> Run()
    {
        var tokenizer = ByteLevelBpeTrainer.Train(
            [.. corpus.Seeds.SelectMany(seed => new[] { seed.Instruction, seed.Output }), .. corpus.Texts.Select(text => text.Text)], settings.Vocabulary, Special);
        var end = tokenizer.SpecialId("<|end|>");
        int[] prefix = [tokenizer.SpecialId("<|text|>")], suffix = [tokenizer.SpecialId("<|instruction|>")];
        var seeds = corpus.Seeds.Select(seed => Example(seed.Output, seed.Instruction, 2)).ToArray();
        var half = Halves();
        var kept = new List<(int Index, string Instruction)>();
        for (var iteration = 0; iteration <= settings.Iterations; iteration++)
        {
            var labels = new (string Instruction, double Score)[corpus.Texts.Count];
            var (train, generate, tokens) = (0.0, 0.0, 0L);
            for (var g = 0; g < 2; g++)
            {
                using var model = newModel(tokenizer.Size, settings.Dropout, settings.Seed + (ulong)(g * 1000));
                TrainingExample[] learnt = [.. seeds, .. kept.Where(pair => half[pair.Index] != g).Select(pair => Example(corpus.Texts[pair.Index].Text, pair.Instruction, 1))];
                var report = SupervisedTrainer.Train(model, learnt, Options(iteration, g));
                train += report.Seconds;
                tokens += report.Tokens;
                var clock = System.Diagnostics.Stopwatch.StartNew();
                var mine = Enumerable.Range(0, corpus.Texts.Count).Where(i => half[i] == g).ToArray();
                // Neighbours of similar length waste less padding; the order is fixed by the texts.
                var order = mine.Select(i => (Index: i, Prompt: (int[])[.. prefix, .. tokenizer.Encode(corpus.Texts[i].Text), .. suffix])).OrderBy(item => item.Prompt.Length).ToArray();
                var written = TextGenerator.Generate(model, [.. order.Select(item => new GenerationRequest(item.Prompt))],
                    new GenerationOptions { MaxNewTokens = 48, StopIds = [end], BatchSize = 64, Threads = settings.Threads });
                for (var i = 0; i < order.Length; i++)
                    labels[order[i].Index] = (tokenizer.Decode(written[i].Ids), written[i].Stopped ? written[i].MeanLogProbability : double.NegativeInfinity);
                generate += clock.Elapsed.TotalSeconds;
            }
            var right = corpus.Texts.Select((text, i) => corpus.IsRight(text, labels[i].Instruction)).ToArray();
            kept = Keep(labels, iteration);
            yield return new TinyResult(iteration, right.Average(value => value ? 1.0 : 0), kept.Count == 0 ? 0 : kept.Average(pair => right[pair.Index] ? 1.0 : 0), kept.Count, train, generate, tokens / train);
            if (settings.Control == "seeds")
                kept = [];
        }

        TrainingExample Example(string text, string instruction, double weight) => new(prefix, tokenizer.Encode(text), suffix, [.. tokenizer.Encode(instruction), end], weight);
    }

    private TrainingOptions Options(int iteration, int generator) => new()
    {
        Budget = StepBudget.Tokens(iteration == 0 ? settings.FirstTokens : settings.LaterTokens),
        BatchTokens = settings.BatchTokens,
        Noise = new InputNoise(settings.Shuffle, settings.Drop),
        Seed = settings.Seed + (ulong)((iteration * 10) + generator),
        Threads = settings.Threads,
        Optimizer = new OptimizerOptions { LearningRate = settings.LearningRate, WeightDecay = settings.WeightDecay, LabelSmoothing = settings.LabelSmoothing },
    };

    private int[] Halves()
    {
        var half = new int[corpus.Texts.Count];
        var random = new SeededRandom(settings.Seed, 77);
        foreach (var language in corpus.Texts.Select((text, i) => (text.Language, i)).GroupBy(item => item.Language, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var members = language.Select(item => item.i).ToArray();
            random.Shuffle<int>(members);
            for (var i = 0; i < members.Length; i++)
                half[members[i]] = i % 2;
        }
        return half;
    }

    private List<(int Index, string Instruction)> Keep((string Instruction, double Score)[] labels, int iteration)
    {
        var share = settings.Control == "all" ? 1 : settings.Keep[Math.Min(iteration, settings.Keep.Length - 1)];
        var random = new SeededRandom(settings.Seed, 99, (ulong)iteration);
        var noise = labels.Select(_ => random.NextDouble()).ToArray();
        return [.. corpus.Texts.Select((text, i) => (text.Language, i)).GroupBy(item => item.Language, StringComparer.Ordinal)
            .SelectMany(group => group.OrderByDescending(item => settings.Control == "random" ? noise[item.i] : labels[item.i].Score).ThenBy(item => item.i).Take((int)(group.Count() * share)))
            .OrderBy(item => item.i).Select(item => (item.i, labels[item.i].Instruction))];
    }
}
