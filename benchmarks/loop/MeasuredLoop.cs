using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
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
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Samples;
using XInstruct.Workflows;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Benchmarks.Loop;

/// <summary>What a run of the loop took.</summary>
/// <param name="Seconds">While workers were up.</param>
/// <param name="PeakMiB">Most memory of this process, which is worker and client in one.</param>
/// <param name="Resume">Seconds from the start of new workers, half-way, to their first event.</param>
internal sealed record Measured(double Seconds, double PeakMiB, double Resume);

/// <summary>One loop over made-up texts, in a database of its own.</summary>
internal sealed class MeasuredLoop : IAsyncDisposable
{
    private const int Shard = 256;

    private readonly int _count;
    private readonly ScratchStore _scratch;
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-loop-").FullName;
    private readonly string[] _words;
    private readonly string _root;

    private MeasuredLoop(int count, ScratchStore scratch)
    {
        (_count, _scratch, _root) = (count, scratch, AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(_root, "XInstruct.sln"))) _root = Path.GetDirectoryName(_root) ?? throw new InvalidOperationException("Not inside the repository.");
        _words = [.. File.ReadLines(Path.Combine(_root, "samples", "corpus", "sw.jsonl"))
            .SelectMany(l => JsonDocument.Parse(l).RootElement.GetProperty("text").GetString()!.Split(' ')).Where(w => w.All(char.IsAsciiLetter))];
    }

    private IServiceProvider Services => _scratch.Services;

    public static async Task<MeasuredLoop> CreateAsync(int count) => new(count, await ScratchStore.CreateAsync());

    /// <summary>Does it, with a stop half-way.</summary>
    public async Task<Measured> RunAsync()
    {
        await File.WriteAllLinesAsync(Path.Combine(_folder, "sw.jsonl"), Enumerable.Range(0, _count).Select(i => JsonSerializer.Serialize(new { text = Text(i) })));
        await File.WriteAllTextAsync(Path.Combine(_folder, "loop.yaml"), $$"""
            name: loop
            languages: [sw]
            corpus: { path: "{lang}.jsonl", minChars: 50 }
            seeds: { path: "{{Path.Combine(_root, "samples", "seeds")}}/{lang}.jsonl" }
            refine: { iterations: 0, keep: [1.0] }
            plan: { shardSize: {{Shard}}, microBatch: {{Shard}} }
            """);

        // The stand-in's engine keeps its workflows beside the events; the official package has a server of its own and reads nothing here.
        Environment.SetEnvironmentVariable("TEMPORAL_STANDIN_DATABASE", _scratch.Connection);
        await using var environment = await WorkflowEnvironment.StartLocalAsync(new() { DevServerOptions = new() { DatabaseFilename = Path.Combine(_folder, "temporal.db") } });
        var input = await Services.GetRequiredService<RunStarter>().PrepareAsync(RecipeFile.Load(Path.Combine(_folder, "loop.yaml"), []), null, isNew: false, CancellationToken.None);
        var run = await environment.Client.StartWorkflowAsync((XInstructionWorkflow w) => w.RunAsync(input), new(input.Run, TaskQueues.Cpu));
        var peak = 0.0;
        var clock = Stopwatch.StartNew();
        // All texts accepted, and generation done or under way.
        await WorkAsync(environment.Client, async () =>
        {
            while (await EventsAsync() < 2L * _count) await Task.Delay(100);
        });
        var (seconds, before) = (clock.Elapsed.TotalSeconds, await EventsAsync());
        clock.Restart();
        var resume = 0.0;
        await WorkAsync(environment.Client, async () =>
        {
            while (await EventsAsync() == before) await Task.Delay(20);
            resume = clock.Elapsed.TotalSeconds;
            await run.GetResultAsync();
        });
        return new Measured(seconds + clock.Elapsed.TotalSeconds, peak, resume);

        async Task WorkAsync(ITemporalClient client, Func<Task> until)
        {
            using var stop = new CancellationTokenSource();
            var work = WorkersAsync(client, stop.Token);
            var watched = WatchAsync(stop.Token);
            var end = until();
            await Task.WhenAny(work, end);
            await stop.CancelAsync();
            await work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await watched;
            await end;
        }

        async Task WatchAsync(CancellationToken ct)
        {
            for (; !ct.IsCancellationRequested; await Task.Delay(200, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)) peak = Math.Max(peak, Environment.WorkingSet / (1024.0 * 1024));
        }
    }

    /// <summary>Bytes of the product's tables and of the engine's.</summary>
    public async Task<(double Store, double Engine)> BytesAsync()
    {
        await using var source = NpgsqlDataSource.Create(_scratch.Connection);
        await using var command = source.CreateCommand($"""
            select coalesce(sum(pg_total_relation_size(c.oid)) filter (where n.nspname = '{StoreConfiguration.Schema}'), 0)::float8, coalesce(sum(pg_total_relation_size(c.oid)) filter (where n.nspname <> '{StoreConfiguration.Schema}'), 0)::float8
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
            """);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetDouble(0), reader.GetDouble(1));
    }

    /// <summary>The same events through the write helper alone; seconds.</summary>
    public async Task<double> WriteAloneAsync()
    {
        var writer = Services.GetRequiredService<EventWriter>();
        var alone = new Stopwatch();
        foreach (var numbers in Enumerable.Range(0, _count).Chunk(Shard))
        {
            var batch = numbers.Select(Text).Select(t => (Text: t, Id: Identity.Sample("sw", t))).ToArray();
            alone.Start();
            await WriteAsync(batch, (s, t) => Sample.Accept(s, new TextAccepted(t.Id, "sw", Guid.Empty, 0, null, ContentHash.Of(t.Text), t.Text.Length, "profile")), t => [Content.Of(Guid.Empty, t.Text)]);
            await WriteAsync(batch, (s, _) => s!.Generate(0, InstantModels.Instruction.Instruction, InstantModels.Instruction.LogProbability, 1), _ => null);
            await WriteAsync(batch, (s, _) => s!.Rate(0, 2, InstantModels.Rating.Probabilities), _ => null);
            await WriteAsync(batch, (s, _) => s!.Keep(0, 1), _ => null);
            alone.Stop();
        }

        return alone.Elapsed.TotalSeconds;

        Task WriteAsync((string Text, Guid Id)[] batch, Func<Sample?, (string Text, Guid Id), object?> decide, Func<(string Text, Guid Id), IReadOnlyList<Content>?> contents) =>
            writer.WriteAsync<Sample>("alone", new Act("bench", "1"), [.. batch.Select(t => new Change<Sample>(
                Identity.Stream("alone", t.Id), t.Id, s => decide(s, t) is { } e ? new Fact(e, contents(t)) : null))], CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _scratch.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WorkersAsync(ITemporalClient client, CancellationToken ct)
    {
        var models = new InstantModels(Services.GetRequiredService<EventWriter>(), Services.GetRequiredService<RunLibrary>(), Services.GetRequiredService<SampleReader>());
        var cpu = new TemporalWorkerOptions(TaskQueues.Cpu) { MaxConcurrentActivities = 4 };
        cpu.AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>();
        cpu.AddAllActivities(Services.GetRequiredService<RunActivities>()).AddAllActivities(Services.GetRequiredService<CorpusActivities>());
        cpu.AddAllActivities(Services.GetRequiredService<SelectionActivities>()).AddAllActivities(Services.GetRequiredService<ReleaseActivities>()).AddAllActivities(models);
        using var cpuWorker = new TemporalWorker(client, cpu);
        using var gpuWorker = new TemporalWorker(client, new TemporalWorkerOptions(TaskQueues.Gpu) { MaxConcurrentActivities = 4 }.AddAllActivities(models));
        await Task.WhenAll(cpuWorker.ExecuteAsync(ct), gpuWorker.ExecuteAsync(ct));
    }

    private async Task<long> EventsAsync()
    {
        await using var source = NpgsqlDataSource.Create(_scratch.Connection);
        await using var command = source.CreateCommand($"select coalesce(max(seq_id), 0) from {StoreConfiguration.Schema}.mt_events");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private string Text(int number)
    {
        var random = new Random(number);
        return string.Join(' ', Enumerable.Range(0, 40).Select(_ => _words[random.Next(_words.Length)]));
    }
}
