using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Temporalio.Testing;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Sources;
using XInstruct.Domain.Texts;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Tests.Audit;

/// <summary>How a made-up run differs from the first one.</summary>
/// <param name="Name">Run id.</param>
/// <param name="Model">Hash of the model that writes instructions from iteration 1 on.</param>
/// <param name="Word">A word of the instructions that iteration 1 writes.</param>
/// <param name="Rejected">Number of the text that is rated badly and rejected.</param>
/// <param name="Rerated">Whether others rate its pairs too, between the iterations and after the seal.</param>
/// <param name="Best">Probability of the best level for what is not rejected.</param>
/// <param name="Retried">Whether iteration 1 wrote its instructions at the second try only.</param>
internal sealed record MadeUp(string Name, string Model = "model-1", string Word = "fupi", int Rejected = 3, bool Rerated = false, double Best = 0.7, bool Retried = false);

/// <summary>Sealed runs on a real PostgreSQL, written by the product's own writer with a clock that goes on a minute with each stage.</summary>
internal sealed class AuditedRuns : IAsyncDisposable
{
    private const int Texts = 4;

    private static readonly string[] Languages = ["sw", "th"];
    private readonly string _database = $"xi_audit_{Guid.NewGuid():N}";
    private readonly MinuteClock _clock = new();
    private ServiceProvider _services = null!;

    /// <summary>When the first stage was.</summary>
    public static readonly DateTimeOffset Begun = new(2026, 11, 22, 1, 0, 0, TimeSpan.Zero);

    public string Home { get; } = Directory.CreateTempSubdirectory("xi-audit-").FullName;

    private static string Server => Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
        ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it.");

    public static async Task<AuditedRuns> CreateAsync(params MadeUp[] runs)
    {
        var made = new AuditedRuns();
        await using (var server = NpgsqlDataSource.Create(Server)) await server.CreateCommand($"create database {made._database}").ExecuteNonQueryAsync();
        var connection = new NpgsqlConnectionStringBuilder(Server) { Database = made._database, Pooling = false }.ConnectionString;
        made._services = new ServiceCollection().AddXInstructActivities(connection, made.Home).AddSingleton<TimeProvider>(made._clock).BuildServiceProvider();
        await made._services.PrepareStoreAsync(default);
        foreach (var run in runs) await made.MakeAsync(run);
        return made;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>A sample of all runs.</summary>
    public static Guid Sample(string language, int number) => Identity.Sample(language, TextNormalizer.Normalize(Text(language, number)));

    public static string Text(string language, int number) => $"Habari ya mji wa {number}, {language}.";

    public string Release(string run) => Path.Combine(Get<FileStore>().Releases(run), "1");

    public Task ExecuteAsync(string sql) => Get<NpgsqlDataSource>().CreateCommand(sql).ExecuteNonQueryAsync();

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        await using var server = NpgsqlDataSource.Create(Server);
        await server.CreateCommand($"drop database {_database} with (force)").ExecuteNonQueryAsync();
        Directory.Delete(Home, recursive: true);
    }

    private async Task MakeAsync(MadeUp run)
    {
        _clock.Now = Begun;
        var environment = new ActivityEnvironment();
        await environment.RunAsync(() => WriteAsync(run));
    }

    private async Task WriteAsync(MadeUp run)
    {
        var (writer, files) = (Get<EventWriter>(), Get<FileStore>());
        var corpus = Path.Combine(Home, "corpus.jsonl");
        await File.WriteAllTextAsync(corpus, "{}\n");
        var (hash, bytes) = await files.ImportAsync(corpus, default);
        var document = RecipeDocument.Of(new Recipe { Name = "audited", Languages = Languages }, [new InputContent("corpus", null, hash, bytes)]);
        var stream = Identity.RunStream(run.Name);
        var recipe = Content.Of(Guid.Empty, document.Json);
        await RunAsync("start", new RunStarted("audited", recipe.Hash, document.SettingsHash, Languages, document.Inputs), recipe);
        foreach (var language in Languages)
        {
            var source = Identity.Source(language, hash);
            var place = Identity.Stream(run.Name, source);
            await writer.WriteAsync<Source>(
                run.Name, new Act("ingest", "1"), [new Change<Source>(place, source, _ => new Fact(new RowsRejected(source, language, 0, 5, [new RejectedRow(4, "too-short")])))], default);
            await EachAsync(language, new Act("ingest", "1"), (_, i) => new Fact(
                new TextAccepted(Sample(language, i), language, source, i, null, ContentHash.Of(Text(language, i)), Text(language, i).Length, "profile"), [Content.Of(source, Text(language, i))]));
            await files.WriteWorkAsync(run.Name, $"{language}/plan.json", new SamplePlan([.. Enumerable.Range(0, Texts).Select(i => Sample(language, i)).Order(Comparer<Guid>.Create(Identity.Compare))]), default);
        }

        var folder = files.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "model.safetensors"), "weights");
        await RunAsync("train", new CheckpointSaved(ContentHash.Of("key"), "generator-0", await files.PutTreeAsync(folder, default), 1, 1, null));
        for (var iteration = 0; iteration < 2; iteration++)
        {
            var act = new Act("generate", "1", [iteration == 0 ? "model-0" : run.Model], ContentHash.Of("Write {text}"), "{\"temperature\":0.7}", "a device");
            foreach (var language in Languages)
            {
                _clock.Advance();
                if (run.Retried && iteration == 1)
                {
                    await EachAsync(language, act, (s, _) => new Fact(s!.FailGeneration(iteration, "empty")!));
                    await EachAsync(language, new Act("retry", "1"), (s, _) => new Fact(s!.Reopen(iteration, null, null)!));
                }

                await EachAsync(language, act, (s, i) =>
                {
                    var instruction = iteration == 0 ? $"Andika kuhusu mji wa {i}." : $"Andika habari {run.Word} kuhusu mji wa {i}.";
                    return s!.Generate(iteration, ContentHash.Of(instruction), -1.25, 2) is { } e
                        ? new Fact(e, [Content.Of(s.Source, instruction), Content.Of(Guid.Empty, "Write {text}")], new Cost(100, 10, 0.0005m), 1)
                        : null;
                });
                _clock.Advance();
                await EachAsync(language, new Act("rate", "1", ["judge-1"]), (s, i) =>
                    new Fact(s!.Rate(iteration, i == run.Rejected ? 0 : iteration + 1, i == run.Rejected ? [0.9, 0.1, 0] : [0.1, 0.9 - run.Best, run.Best])!));
                await RerateAsync(language, $"second-{iteration}");
            }
        }

        _clock.Advance();
        foreach (var language in Languages)
        {
            await EachAsync(language, new Act("keep", "1"), (s, i) => new Fact(i == run.Rejected ? s!.Reject(1, "worst-level")! : s!.Keep(1, i + 1)!));
            await EachAsync(language, new Act("select", "1"), (s, i) => i == run.Rejected ? null : new Fact(s!.Select(i % 2, 1)!));
        }

        _clock.Advance();
        await Get<ReleaseActivities>().SealReleaseAsync(new RunInput(run.Name, recipe.Hash));
        _clock.Advance();
        foreach (var language in Languages) await RerateAsync(language, "third");
        await RunAsync("complete", new RunCompleted());

        Task RerateAsync(string language, string job) => !run.Rerated ? Task.CompletedTask : EachAsync(
            language, new Act("rerate", "1", Device: "another device"), (s, i) => new Fact(s!.Rerate(new SampleRerated(job, "other", s.Instruction!, i % 3, [0, 1, 0], 3))!, Cost: new Cost(50, 5, 0.25m)));

        Task RunAsync(string stage, object e, params Content[] contents) =>
            writer.WriteAsync<Run>(run.Name, new Act(stage, "1"), [new Change<Run>(stream, stream, _ => new Fact(e, contents))], default);

        Task EachAsync(string language, Act act, Func<Sample?, int, Fact?> decide) => writer.WriteAsync(
            run.Name, act, [.. Enumerable.Range(0, Texts).Select(i => new Change<Sample>(Identity.Stream(run.Name, Sample(language, i)), Sample(language, i), s => decide(s, i)))], default);
    }

    private sealed class MinuteClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public void Advance() => Now += TimeSpan.FromMinutes(1);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
