using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Temporalio.Client;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.EndToEnd.Jobs;

/// <summary>The frame of all jobs, with a kind that only counts: on a real store, in this process.</summary>
public sealed class JobTests : IAsyncLifetime
{
    private const string Variable = "TEMPORAL_STANDIN_DATABASE";
    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);
    private readonly Squares _kind = new();
    private ProductProcess _place = null!;
    private Deployment _deployment = null!;

    public async Task InitializeAsync()
    {
        _place = await ProductProcess.CreateAsync();
        Environment.SetEnvironmentVariable(Variable, _place.Environment[Variable]);
        _deployment = await Deployment.OpenAsync(new DeploymentOptions(_place.Postgres, null, null, null, _place.Home, Verbose: false), default, s => s.AddSingleton(new JobKinds([_kind])));
        await File.WriteAllTextAsync(In("numbers.txt"), "1\n2\n3\n4\n5\n6\n7\n");
        await File.WriteAllTextAsync(In("squares.yaml"), "name: squares\nsources:\n  - path: numbers.txt\n    columns: {a: b}\n");
    }

    public async Task DisposeAsync()
    {
        await _deployment.DisposeAsync();
        await _place.DisposeAsync();
        Environment.SetEnvironmentVariable(Variable, _before);
    }

    [Fact]
    public async Task Run_WorkersLostOnTheWay_DoesNoPartTwiceAndGivesTheSameResult()
    {
        var input = await PrepareAsync();
        // The first workers go away in the middle of part 4, and leave it to the next ones.
        var (reached, stop) = (new TaskCompletionSource(), new CancellationTokenSource());
        _kind.Before = async (stage, part, ct) =>
        {
            if (stage != "square" || part != 4) return;
            reached.SetResult();
            await Task.Delay(Timeout.Infinite, ct);
        };
        var workers = _deployment.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        await _deployment.Client.StartOrAttachAsync((JobWorkflow w) => w.RunAsync(new JobRun(input)), input.Job, default);
        await reached.Task;
        await stop.CancelAsync();
        await WorkflowStart.IgnoreStopAsync(workers);
        _kind.Before = (_, _, _) => Task.CompletedTask;
        var tree = await FinishAsync(input);
        _kind.Done.Where(d => d != "square 4").ShouldBeUnique();
        _kind.Done.Count(d => d == "square 4").ShouldBe(1);
        (await File.ReadAllTextAsync(Path.Combine(_deployment.Get<FileStore>().Tree(tree), "sum.json"))).ShouldBe("""{"sum":140,"name":"squares"}""");
        var job = (await _deployment.Get<JobStore>().ListAsync(default)).ShouldHaveSingleItem();
        job.Stages.Select(s => (s.Stage, s.Parts, s.Rows)).ShouldBe([("square", 7, 7), ("sum", 1, 1)]);
        (await _deployment.Get<AuditVerifier>().VerifyAsync(input.Job, default)).Findings.ShouldBeEmpty();
        // Once more it is only looked up.
        (await FinishAsync(input)).ShouldBe(tree);
        _kind.Done.Count.ShouldBe(8);
    }

    [Fact]
    public async Task Verify_FileOfAPartChanged_NamesIt()
    {
        var input = await PrepareAsync();
        await FinishAsync(input);
        var part = (await _deployment.Get<JobStore>().PartsAsync(input.Job, "square", default))[2];
        var path = _deployment.Get<FileStore>().Blob(part.File);
        await File.WriteAllTextAsync(path, """{"value":10}""" + "\n");
        var finding = (await _deployment.Get<AuditVerifier>().VerifyAsync(input.Job, default)).Findings.ShouldHaveSingleItem();
        finding.Place.ShouldBe(path);
        File.Delete(path);
        (await _deployment.Get<AuditVerifier>().VerifyAsync(input.Job, default)).Findings.ShouldHaveSingleItem().Problem.ShouldContain(part.File);
    }

    [Fact]
    public async Task Verify_StageOrPartOfAnotherKind_IsNamed()
    {
        var input = await PrepareAsync();
        await FinishAsync(input);
        await _place.ExecuteAsync("delete from xinstruct.mt_events where type = 'job_part_done' and data ->> 'part' = '3'");
        await _place.ExecuteAsync("delete from xinstruct.mt_streams s where not exists (select 1 from xinstruct.mt_events e where e.stream_id = s.id)");
        var findings = (await _deployment.Get<AuditVerifier>().VerifyAsync(input.Job, default)).Findings;
        findings.ShouldContain(f => f.Place == "job_stage_ended square" && f.Problem.Contains("should have 7 parts", StringComparison.Ordinal));
        findings.ShouldContain(f => f.Problem.Contains("The stream should end at version 1, its last event is version 0", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Work_PartThatCannotBeDone_EndsTheJobWithTheReason()
    {
        var input = await PrepareAsync();
        _kind.Before = (_, part, _) => part == 1 ? throw new JobException("Row 2 has no square. Take it out.") : Task.CompletedTask;
        var failure = await Should.ThrowAsync<Temporalio.Exceptions.WorkflowFailedException>(() => FinishAsync(input));
        Exception cause = failure;
        while (cause is not Temporalio.Exceptions.ApplicationFailureException) cause = cause.InnerException!;
        cause.Message.ShouldBe("Row 2 has no square. Take it out.");
        ((Temporalio.Exceptions.ApplicationFailureException)cause).ErrorType.ShouldBe(FailureTypes.BadInput);
        // Started again, it goes on.
        _kind.Before = (_, _, _) => Task.CompletedTask;
        await FinishAsync(input);
        (await _deployment.Get<JobStore>().PartsAsync(input.Job, "square", default)).Select(p => p.Part).ShouldBe(Enumerable.Range(0, 7));
    }

    [Fact]
    public async Task Prepare_SameContentUnderAnotherPath_IsTheSameJob()
    {
        var first = await PrepareAsync();
        File.Move(In("numbers.txt"), In("moved.txt"));
        (await PrepareAsync("sources.0.path=" + In("moved.txt"), "output=elsewhere")).ShouldBe(first);
        (await PrepareAsync("sources.0.path=" + In("moved.txt"), "seed=7")).ShouldNotBe(first);
        await File.AppendAllTextAsync(In("moved.txt"), "8\n");
        (await PrepareAsync("sources.0.path=" + In("moved.txt"))).ShouldNotBe(first);
    }

    [Fact]
    public async Task Prepare_OtherTextThatShips_IsAnotherJob()
    {
        var plain = await PrepareAsync();
        _kind.Ships = "words of this version";
        var first = await PrepareAsync();
        _kind.Ships = "words of the next";
        var second = await PrepareAsync();
        new[] { plain.Job, first.Job, second.Job }.ShouldBeUnique();
        // A job keeps what it was started with, whichever version works on it.
        var document = await _deployment.Get<JobStore>().DocumentAsync(first.Recipe, default);
        var input = document.Inputs.Single(i => i.Role == "shipped/words");
        (await File.ReadAllTextAsync(_deployment.Get<FileStore>().Blob(input.Sha256))).ShouldBe("words of this version");
        _kind.Ships = "words of this version";
        (await PrepareAsync()).ShouldBe(first);
    }

    [Theory]
    [InlineData("sources: []", "sources: Must have at least 1 item.")]
    [InlineData("sources: [{path: none.txt}]", "squares.yaml:2:18: sources.0.path: No file")]
    [InlineData("sources: [{path: numbers.txt, pth: x}]", "sources.0.pth: Unknown key. Did you mean 'path'?")]
    [InlineData("sources: [numbers.txt]", "sources.0: Must be a section with keys: path, columns, limits.")]
    [InlineData("sources: {path: numbers.txt}", "sources: Must be a list of sections with keys: path, columns, limits.")]
    [InlineData("sources: [{path: numbers.txt, columns: [a]}]", "sources.0.columns: Must be a section of names and texts.")]
    [InlineData("sources: [{path: numbers.txt, columns: {a: [b]}}]", "sources.0.columns.a: Must be a text")]
    [InlineData("sources: [{path: numbers.txt, limits: [1, x]}]", "sources.0.limits: Must be a list of whole numbers, e.g. [1, 5]; 'x' is no such item.")]
    public async Task Load_BadRecipe_NamesThePlace(string sources, string problem)
    {
        await File.WriteAllTextAsync(In("squares.yaml"), "name: squares\n" + sources + "\n");
        (await Should.ThrowAsync<Activities.Recipes.RecipeException>(() => PrepareAsync())).Message.ShouldContain(problem);
    }

    [Theory]
    [InlineData("sources.1.path=x", "'sources' has 1 items, counted from 0.")]
    [InlineData("sources.x.path=x", "'sources' is no section in the recipe.")]
    public async Task Load_OverrideOfNoItem_SaysSo(string set, string problem) =>
        (await Should.ThrowAsync<Activities.Recipes.RecipeException>(() => PrepareAsync(set))).Message.ShouldContain(problem);

    private string In(string name) => Path.Combine(_place.Home, name);

    private async Task<JobInput> PrepareAsync(params string[] overrides) =>
        await _deployment.Get<JobStore>().PrepareAsync(await JobRecipeFile.LoadAsync(_kind, In("squares.yaml"), overrides, default), default);

    private async Task<string> FinishAsync(JobInput input)
    {
        using var stop = new CancellationTokenSource();
        var workers = _deployment.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        try
        {
            return await (await _deployment.Client.StartOrAttachAsync((JobWorkflow w) => w.RunAsync(new JobRun(input)), input.Job, default)).GetResultAsync();
        }
        finally
        {
            await stop.CancelAsync();
            await WorkflowStart.IgnoreStopAsync(workers);
        }
    }

    private sealed record Number(long Value);

    /// <summary>Squares each line of a file in a part of its own, then adds them up.</summary>
    private sealed class Squares : JobKind<SquaresRecipe>
    {
        private readonly List<string> _done = [];

        public override string Name => "squares";

        public override string Description => "Adds squares.";

        public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>();

        public Func<string, int, CancellationToken, Task> Before { get; set; } = (_, _, _) => Task.CompletedTask;

        public string? Ships { get; set; }

        protected override IReadOnlyList<ShippedInput> Shipped(SquaresRecipe recipe) => Ships is null ? [] : [new("shipped/words", Ships)];

        public IReadOnlyList<string> Done
        {
            get
            {
                lock (_done) return [.. _done];
            }
        }

        protected override IReadOnlyList<JobStage> Stages(SquaresRecipe recipe) => [new("square", TaskQueues.Gpu), new("sum", TaskQueues.Cpu)];

        protected override Task<int> PartsAsync(JobContext<SquaresRecipe> job, string stage, CancellationToken ct) =>
            Task.FromResult(stage == "square" ? File.ReadLines(job.Input("sources.0.path")).Count() : 1);

        protected override async Task WorkAsync(JobContext<SquaresRecipe> job, JobWork work, CancellationToken ct)
        {
            await Before(work.Stage, work.Part, ct);
            if (work.Stage == "square")
            {
                var number = long.Parse(File.ReadLines(job.Input("sources.0.path")).ElementAt(work.Part), System.Globalization.CultureInfo.InvariantCulture);
                await work.WriteAsync(new Number(number * number), ct);
            }
            else
            {
                await work.WriteAsync(new Number(await job.ReadAsync<Number>("square", ct).Select(n => n.Value).SumAsync(ct)), ct);
            }

            lock (_done) _done.Add($"{work.Stage} {work.Part}");
        }

        protected override async Task EndAsync(JobContext<SquaresRecipe> job, string folder, CancellationToken ct)
        {
            var sum = await job.ReadAsync<Number>("sum", ct).SingleAsync(ct);
            await File.WriteAllTextAsync(Path.Combine(folder, "sum.json"), JsonSerializer.Serialize(new { sum = sum.Value, name = job.Recipe.Name }), ct);
        }
    }

    private sealed class SquaresRecipe : JobRecipe
    {
        [System.ComponentModel.DataAnnotations.MinLength(1)]
        public IReadOnlyList<SquareSource> Sources { get; set; } = [];
    }

    private sealed class SquareSource
    {
        [System.ComponentModel.DataAnnotations.Required]
        [InputPath(InputKind.File)]
        public string Path { get; set; } = "";

        public IReadOnlyDictionary<string, string> Columns { get; set; } = new Dictionary<string, string>();

        public IReadOnlyList<int> Limits { get; set; } = [];
    }
}
