// Tokens trained on a second, the whole model and an adapter (LoRA, rank 8 on q_proj and v_proj), beside a straightforward PyTorch program
// (benchmarks/peers) with the same weights, rows, threads and, on this machine, the same libtorch.
// dotnet run -c Release --project benchmarks/training [-- SHAPE [THREADS [DEVICE [TYPE [ROWS [LENGTH [STEPS [ROUNDS]]]]]]]]    SHAPE: tiny, small, 1b, 8b
using System.Globalization;
using TorchSharp;
using XInstruct.Benchmarks;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Tuning;

const double rate = 1e-4;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var shape = args.Length > 0 ? args[0] : "small";
var threads = Number(1, Environment.ProcessorCount);
var (device, type) = (args.Length > 2 ? args[2] : "cpu", args.Length > 3 ? args[3] : "float32");
var (rows, length, steps, rounds) = (Number(4, 8), Number(5, 256), Number(6, 6), Number(7, 3));
using var checkpoint = new RandomCheckpoint(shape);
using var scratch = new RandomCheckpoint("tiny");
var config = DecoderConfig.Load(checkpoint.Folder);
var random = new DeterministicRandom("benchmarks/training");
// Every step has the same rows, in any order: so the losses can be compared.
int[][] batch = [.. Enumerable.Range(0, rows).Select(_ => Enumerable.Range(0, length + 1).Select(_ => random.Next(config.VocabularySize)).ToArray())];
Console.WriteLine($"{shape}, {type} on {device}, {threads} threads; {rows} rows of {length} tokens a step, {steps} steps, medians of {rounds}");
Console.WriteLine($"{"",6} {"XInstruct",10} {"PyTorch",8}  tokens/s  {"ratio",6}  first and last loss, of both");
using var peer = new Peer(checkpoint.Folder, threads, device, type);
foreach (var rank in (int[])[0, 8])
{
    var (ours, peers) = (new List<double>(), new List<double>());
    var losses = "";
    for (var round = 0; round < rounds; round++)
    {
        var metrics = Train(rank);
        var other = peer.Train([.. Enumerable.Repeat(batch, steps)], rate, rank);
        ours.Add((steps - 1.0) * rows * length / (metrics[^1].Seconds - metrics[0].Seconds));
        peers.Add((steps - 1.0) * rows * length / other.Seconds);
        losses = $"{metrics[0].Loss:F5} {other.Losses![0]:F5}, {metrics[^1].Loss:F5} {other.Losses[^1]:F5}";
    }

    Console.WriteLine($"{(rank == 0 ? "full" : "LoRA"),6} {Median(ours),10:F0} {Median(peers),8:F0} {"",10} {Median(ours.Zip(peers, (o, p) => o / p)),6:F2}  {losses}");
}

IReadOnlyList<StepMetrics> Train(int rank)
{
    using var model = Checkpoint.Load(checkpoint.Folder, torch.device(device), type: Enum.Parse<torch.ScalarType>(type, ignoreCase: true));
    var adapter = rank == 0 ? null : Adapter.Attach(model, new AdapterOptions { Rank = rank, Alpha = 2 * rank, Targets = ["q_proj", "v_proj"] }, seed: 1);
    var plan = new RowPlanOptions { Budget = StepBudget.Steps(steps), BatchTokens = rows * (length + 1) };
    var task = new SupervisedTask(model, [.. batch.Select(ids => new TrainingRow(ids, 1, 1))], [], plan);
    var options = new LoopOptions
    {
        Optimizer = new OptimizerOptions { LearningRate = rate, Beta2 = 0.999, WeightDecay = 0, ClipNorm = null },
        Decay = Decay.Constant,
        WarmupShare = 0,
        CheckpointSteps = steps,
        Threads = threads,
    };
    var folder = Path.Combine(scratch.Folder, Guid.NewGuid().ToString("N"));
    try
    {
        return new TuningLoop(task, adapter, options, folder, "benchmark").Run().Metrics;
    }
    finally
    {
        Directory.Delete(folder, recursive: true);
    }
}

int Number(int at, int usual) => args.Length > at ? int.Parse(args[at], CultureInfo.InvariantCulture) : usual;

static double Median(IEnumerable<double> values)
{
    var sorted = values.Order().ToArray();
    return sorted[sorted.Length / 2];
}
