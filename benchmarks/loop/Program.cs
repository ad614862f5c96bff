// Samples a second of the whole loop (ingest, generate, rate, keep, release; four events a sample) with models that answer at once, beside the same
// events through the write helper alone. One iteration, one language, shards of 256.
// XINSTRUCT_POSTGRES="$(eng/postgres start)" dotnet run -c Release --project benchmarks/loop [-- SAMPLES]
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Temporalio.Client;
using Temporalio.Testing;
using Temporalio.Worker;
using XInstruct.Activities;
using XInstruct.Activities.Corpora;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Selection;
using XInstruct.Activities.Storage;
using XInstruct.Benchmarks;
using XInstruct.Benchmarks.Loop;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Workflows;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
const int Shard = 256;
var count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10_000;
var root = AppContext.BaseDirectory;
while (!File.Exists(Path.Combine(root, "XInstruct.sln"))) root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("Not inside the repository.");
await using var scratch = await ScratchStore.CreateAsync();
var services = scratch.Services;
var folder = Directory.CreateTempSubdirectory("xi-loop-").FullName;
var words = File.ReadLines(Path.Combine(root, "samples", "corpus", "sw.jsonl"))
    .SelectMany(l => JsonDocument.Parse(l).RootElement.GetProperty("text").GetString()!.Split(' ')).Where(w => w.All(char.IsAsciiLetter)).ToArray();
var random = new Random(1);
var texts = Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, 40).Select(_ => words[random.Next(words.Length)]))).ToArray();
await File.WriteAllLinesAsync(Path.Combine(folder, "sw.jsonl"), texts.Select(t => JsonSerializer.Serialize(new { text = t })));
await File.WriteAllTextAsync(Path.Combine(folder, "loop.yaml"), $$"""
    name: loop
    languages: [sw]
    corpus: { path: "{lang}.jsonl", minChars: 50 }
    seeds: { path: "{{Path.Combine(root, "samples", "seeds")}}/{lang}.jsonl" }
    refine: { iterations: 0, keep: [1.0] }
    plan: { shardSize: {{Shard}}, microBatch: {{Shard}} }
    """);

// The stand-in's engine keeps its workflows beside the events; the official package has a server of its own and reads nothing here.
Environment.SetEnvironmentVariable("TEMPORAL_STANDIN_DATABASE", scratch.Connection);
await using var environment = await WorkflowEnvironment.StartLocalAsync(new() { DevServerOptions = new() { DatabaseFilename = Path.Combine(folder, "temporal.db") } });
var models = new InstantModels(services.GetRequiredService<EventWriter>(), services.GetRequiredService<RunLibrary>(), services.GetRequiredService<SampleReader>());
var cpu = new TemporalWorkerOptions(TaskQueues.Cpu) { MaxConcurrentActivities = 4 };
cpu.AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>();
cpu.AddAllActivities(services.GetRequiredService<RunActivities>()).AddAllActivities(services.GetRequiredService<CorpusActivities>());
cpu.AddAllActivities(services.GetRequiredService<SelectionActivities>()).AddAllActivities(services.GetRequiredService<ReleaseActivities>()).AddAllActivities(models);
using var cpuWorker = new TemporalWorker(environment.Client, cpu);
using var gpuWorker = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Gpu) { MaxConcurrentActivities = 4 }.AddAllActivities(models));
var loaded = RecipeFile.Load(Path.Combine(folder, "loop.yaml"), []);
var input = await services.GetRequiredService<RunStarter>().PrepareAsync(loaded, null, isNew: false, CancellationToken.None);
var loop = 0.0;
await cpuWorker.ExecuteAsync(() => gpuWorker.ExecuteAsync(async () =>
{
    var clock = Stopwatch.StartNew();
    await environment.Client.ExecuteWorkflowAsync((XInstructionWorkflow w) => w.RunAsync(input), new(input.Run, TaskQueues.Cpu));
    loop = clock.Elapsed.TotalSeconds;
}));

var writer = services.GetRequiredService<EventWriter>();
var ids = texts.Select(t => (Text: t, Id: Identity.Sample("sw", t))).ToArray();
var alone = Stopwatch.StartNew();
foreach (var batch in ids.Chunk(Shard))
{
    await WriteAsync(batch, (s, t) => Sample.Accept(s, new TextAccepted(t.Id, "sw", Guid.Empty, 0, null, ContentHash.Of(t.Text), t.Text.Length, "profile")), t => [Content.Of(Guid.Empty, t.Text)]);
    await WriteAsync(batch, (s, _) => s!.Generate(0, InstantModels.Instruction.Instruction, InstantModels.Instruction.LogProbability, 1), _ => null);
    await WriteAsync(batch, (s, _) => s!.Rate(0, 2, InstantModels.Rating.Probabilities), _ => null);
    await WriteAsync(batch, (s, _) => s!.Keep(0, 1), _ => null);
}

var helper = alone.Elapsed.TotalSeconds;
Console.WriteLine($"{count} samples: whole loop {count / loop:N0} samples/s, write helper alone {count / helper:N0} samples/s, ratio {helper / loop:F2}");
Directory.Delete(folder, recursive: true);

Task WriteAsync((string Text, Guid Id)[] batch, Func<Sample?, (string Text, Guid Id), object?> decide, Func<(string Text, Guid Id), IReadOnlyList<Content>?> contents) =>
    writer.WriteAsync<Sample>("alone", new Act("bench", "1"), [.. batch.Select(t => new Change<Sample>(
        Identity.Stream("alone", t.Id), t.Id, s => decide(s, t) is { } e ? new Fact(e, contents(t)) : null))], CancellationToken.None);
