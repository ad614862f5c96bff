// Tokens generated a second at several batch sizes, greedy: the main job's plan-fixed batches and the engine of 'serve', beside a straightforward PyTorch
// program (benchmarks/peers) with the same weights, threads and, on this machine, the same libtorch.
// dotnet run -c Release --project benchmarks/generation [-- SHAPE [THREADS [DEVICE [TYPE [ROUNDS]]]]]    SHAPE: tiny, small, 1b, 8b
using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using XInstruct.Benchmarks;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Generation;
using XInstruct.Training.Models;

const int prompt = 64, count = 64;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var shape = args.Length > 0 ? args[0] : "small";
var threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
var (device, type) = (args.Length > 2 ? args[2] : "cpu", args.Length > 3 ? args[3] : "float32");
var rounds = args.Length > 4 ? int.Parse(args[4], CultureInfo.InvariantCulture) : 3;
using var checkpoint = new RandomCheckpoint(shape);
torch.set_num_threads(threads);
using var model = Checkpoint.Load(checkpoint.Folder, torch.device(device), type: Enum.Parse<torch.ScalarType>(type, ignoreCase: true));
model.eval();
var bytes = model.parameters().Sum(p => p.numel() * p.element_size());
var bandwidth = Bandwidth();
Console.WriteLine($"{shape}: {model.parameters().Sum(p => p.numel()) / 1e6:F1} million parameters, {type} on {device}, {threads} threads; prompts of {prompt} tokens, {count} new ones");
Console.WriteLine($"memory {bandwidth / 1e9:F1} GB/s: at most {bandwidth / bytes:F0} steps a second, for each reads every weight ({bytes / 1e6:F0} MB)");
using var peer = new Peer(checkpoint.Folder, threads, device, type);
Console.WriteLine($"{"batch",5} {"fixed",8} {"engine",8} {"PyTorch",8}  tokens/s, medians of {rounds};  {"fixed/PyTorch",14} {"engine/PyTorch",15} {"one by one",11}  same ids as PyTorch");
foreach (var batch in (int[])[1, 8, 32, 128])
{
    var random = new DeterministicRandom($"benchmarks/generation/{batch}");
    var prompts = Enumerable.Range(0, batch).Select(_ => Enumerable.Range(0, prompt).Select(_ => random.Next(model.Config.VocabularySize)).ToArray()).ToArray();
    var (ours, engines, peers, ones) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
    var same = 0;
    for (var round = -1; round < rounds; round++)
    {
        var clock = Stopwatch.StartNew();
        var results = TextGenerator.Generate(model, [.. prompts.Select(ids => new GenerationRequest(ids))], Options(batch));
        var seconds = clock.Elapsed.TotalSeconds;
        var engine = Engine(prompts);
        var other = peer.Generate(prompts, count);
        if (round < 0) continue;
        ours.Add(seconds);
        engines.Add(engine);
        peers.Add(other.Seconds);
        same = results.Zip(other.Ids!).Count(pair => pair.First.Ids.SequenceEqual(pair.Second));
        if (batch != 32) continue;
        clock.Restart();
        TextGenerator.Generate(model, [.. prompts.Select(ids => new GenerationRequest(ids))], Options(1));
        ones.Add(clock.Elapsed.TotalSeconds);
    }

    var tokens = (double)batch * count;
    Console.WriteLine(
        $"{batch,5} {tokens / Median(ours),8:F0} {tokens / Median(engines),8:F0} {tokens / Median(peers),8:F0} {"",34}{Median(peers.Zip(ours, (p, o) => p / o)),14:F2} " +
        $"{Median(peers.Zip(engines, (p, e) => p / e)),15:F2} {(ones.Count > 0 ? $"1/{Median(ones.Zip(ours, (o, t) => o / t)):F1}" : ""),11}  {same} of {batch}");
}

GenerationOptions Options(int batch) => new() { MaxNewTokens = count, BatchSize = batch, Threads = threads };

double Engine(int[][] prompts)
{
    // No prefix is kept: each round would find the prompts of the one before.
    using var engine = new GenerationEngine(model, null, new EngineOptions { MaxRows = prompts.Length, TokenBudget = Math.Max(512, prompts.Length * 2), Threads = threads, PrefixCacheTokens = 0 });
    var clock = Stopwatch.StartNew();
    Task.WaitAll([.. prompts.Select(ids => engine.Submit(new EngineRequest(ids) { MaxNewTokens = count }).Completion)]);
    return clock.Elapsed.TotalSeconds;
}

double Bandwidth()
{
    using var noGrad = torch.no_grad();
    using var numbers = torch.ones([device == "cpu" ? 1 << 27 : 1 << 29], torch.float32, torch.device(device));
    var best = double.MaxValue;
    for (var i = 0; i < 6; i++)
    {
        var clock = Stopwatch.StartNew();
        using var sum = numbers.sum();
        sum.cpu();
        best = Math.Min(best, clock.Elapsed.TotalSeconds);
    }

    return numbers.numel() * 4.0 / best;
}

static double Median(IEnumerable<double> values)
{
    var sorted = values.Order().ToArray();
    return sorted[sorted.Length / 2];
}
