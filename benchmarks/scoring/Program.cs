// Questions with four choices behind the same examples, scored with what is shared worked out once, with prompts shared by their choices alone, and each
// pair by itself. dotnet run -c Release --project benchmarks/scoring [-- SHAPE [THREADS [QUESTIONS [tokens of the examples …]]]]    SHAPE: tiny, small, 1b, 8b
using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using XInstruct.Benchmarks;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Scoring;

const int question = 32, choice = 6, choices = 4, rounds = 3;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var shape = args.Length > 0 ? args[0] : "small";
var threads = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
var questions = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 50;
int[] heads = args.Length > 3 ? [.. args.Skip(3).Select(tokens => int.Parse(tokens, CultureInfo.InvariantCulture))] : [0, 128, 512];
using var checkpoint = new RandomCheckpoint(shape);
using var model = Checkpoint.Load(checkpoint.Folder, torch.CPU);
model.eval();
Console.WriteLine($"{shape}, {threads} threads: {questions} questions of {question} tokens with {choices} choices of {choice}; questions/s, medians of {rounds}");
Console.WriteLine($"{"examples",8} {"head once",10} {"prompt once",12} {"each pair",10}   {"head once/prompt once",21} {"head once/each pair",20}   greatest difference of a log-likelihood");
foreach (var head in heads)
{
    var random = new DeterministicRandom($"benchmarks/scoring/{head}");
    int[] Ids(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(model.Config.VocabularySize))];
    var examples = Ids(head);
    var requests = Enumerable.Range(0, questions).Select(_ => (int[])[.. examples, .. Ids(question)]).SelectMany(prompt => Enumerable.Range(0, choices).Select(_ => new ScoreRequest(prompt, Ids(choice)))).ToList();
    var ways = new Func<IReadOnlyList<SequenceScore>>[]
    {
        () => SharedContextScorer.Score(model, requests, threads: threads, sharesHead: true),
        () => SharedContextScorer.Score(model, requests, threads: threads),
        () => SequenceScorer.Score(model, requests, threads: threads),
    };
    var seconds = ways.Select(_ => new List<double>()).ToArray();
    var difference = 0.0;
    for (var round = -1; round < rounds; round++)
    {
        var scores = new List<IReadOnlyList<SequenceScore>>();
        for (var way = 0; way < ways.Length; way++)
        {
            var clock = Stopwatch.StartNew();
            scores.Add(ways[way]());
            if (round >= 0) seconds[way].Add(clock.Elapsed.TotalSeconds);
        }

        difference = scores.Skip(1).Max(other => other.Zip(scores[0], (a, b) => Math.Abs(a.LogLikelihood - b.LogLikelihood)).Max());
    }

    var rates = seconds.Select(some => questions / some.Order().ElementAt(some.Count / 2)).ToArray();
    Console.WriteLine($"{head,8} {rates[0],10:F1} {rates[1],12:F1} {rates[2],10:F1}   {rates[0] / rates[1],21:F2} {rates[0] / rates[2],20:F2}   {difference:E1}");
}
