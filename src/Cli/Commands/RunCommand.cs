using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows;
using XInstruct.Workflows.Runs;

namespace XInstruct.Cli.Commands;

/// <summary><c>run</c> and <c>demo</c>: starts a recipe's run, or attaches to it, and works on it until it ends.</summary>
internal static class RunCommand
{
    /// <summary>Their names.</summary>
    public const string Name = "run", DemoName = "demo";

    private static readonly Option<string[]> Set = new("--set") { Description = "Override a recipe key: --set refine.iterations=3. May be given more than once." };
    private static readonly Option<string?> Id = new("--id") { Description = "Run id. Default: recipe name and 8 hex digits of its content." };
    private static readonly Option<bool> New = new("--new") { Description = "Start a new run although an earlier one exists." };
    private static readonly Option<bool> NoWorker = new("--no-worker") { Description = "Only start and watch; 'xinstruct worker' processes do the work." };
    private static readonly Option<bool> Detach = new("--detach") { Description = "Start the run and return; implies --no-worker." };

    private static readonly Option<bool> Estimate = new("--estimate") { Description = "Say what calls to endpoints will probably cost, and start nothing." };

    /// <summary>Whether each start is a run of its own.</summary>
    public static bool IsNew(ParseResult result) => result.GetValue(New);

    public static Command Run()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML)." };
        var command = new Command(Name, "Runs a recipe from corpus to sealed release, trained model and evaluation. Killed and started again, it goes on.")
        {
            recipe, Set, Id, New, NoWorker, Detach, Estimate, CommonOptions.Svg,
        };
        command.SetAction((result, ct) => result.GetValue(Estimate)
            ? EstimateAsync(result, result.GetValue(recipe)!, ct)
            : ExecuteAsync(result, result.GetValue(recipe)!, ct));
        return command.WithExamples(
            "xinstruct run my.yaml", "xinstruct run my.yaml --set languages=[sw,th] --set refine.iterations=3", "xinstruct run my.yaml --estimate", "xinstruct run my.yaml --json | tail -1 | jq .release.sha256");
    }

    public static Command Fork()
    {
        var parent = new Argument<string>("run") { Description = "Run to begin with." };
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML) of that run." };
        var from = new Option<string>("--from") { Description = "The first stage that is done anew.", Required = true };
        from.AcceptOnlyFromAmong([.. RunForker.Stages]);
        var command = new Command("fork", "Runs a changed recipe from a stage on. What another run did before that stage is taken over and costs nothing; the new run names its parent.")
        {
            parent, recipe, from, Set, Id, New, NoWorker, Detach, CommonOptions.Svg,
        };
        command.SetAction((result, ct) => ExecuteAsync(result, result.GetValue(recipe)!, ct, async (deployment, input) =>
        {
            if (input.Run == result.GetValue(parent)) throw new UsageException($"The recipe is that of {input.Run} itself. Change it with --set, or give the fork an --id of its own.");
            var events = await deployment.Get<RunForker>().ForkAsync(result.GetValue(parent)!, result.GetValue(from)!, input, ct);
            if (!result.GetValue(CommonOptions.Json)) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{events:N0} events are taken over from {result.GetValue(parent)}."));
        }));
        return command.WithExamples("xinstruct fork demo-1a2b3c4d demo.yaml --from keep --set refine.rank=evaluator", "xinstruct fork my-5e6f7a8b my.yaml --from rate --set models.evaluator.api.model=another --detach");
    }

    public static Command Demo()
    {
        var command = new Command(DemoName, "Runs the sample recipe (three languages, about four minutes on two cores).") { Set, Id, New, NoWorker, Detach, CommonOptions.Svg };
        command.SetAction((result, ct) => ExecuteAsync(result, SampleRecipes.Find("demo.yaml"), ct));
        return command.WithExamples("xinstruct demo", "xinstruct demo --json");
    }

    private static async Task<int> ExecuteAsync(ParseResult result, string recipePath, CancellationToken ct, Func<Deployment, RunInput, Task>? prepare = null)
    {
        var json = result.GetValue(CommonOptions.Json);
        var loaded = RecipeFile.Load(recipePath, result.GetValue(Set) ?? []);
        if (!json) Failures.Warn(loaded.Warnings);
        var isWorking = !result.GetValue(NoWorker) && !result.GetValue(Detach);
        if (isWorking && RunSettings.Of(loaded.Recipe)?.Keys.FirstOrDefault(k => string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(k))) is { } missing)
        {
            throw new UsageException(OpenAiEndpoint.NoKey(missing));
        }

        await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
        var clock = Stopwatch.StartNew();
        var starter = deployment.Get<RunStarter>();
        if (prepare is null && !result.GetValue(New) && result.GetValue(Id) is null) await starter.RefuseChangedSettingsAsync(loaded.Recipe, deployment.Client.IsUnderWayAsync, ct);
        var input = await starter.PrepareAsync(loaded, result.GetValue(Id), result.GetValue(New), ct);
        if (prepare is not null) await prepare(deployment, input);
        var handle = await deployment.Client.StartOrAttachAsync((XInstructionWorkflow w) => w.RunAsync(input), input.Run, ct);
        if (result.GetValue(Detach))
        {
            Console.WriteLine(json ? JsonSerializer.Serialize(new { input.Run, Status = "started" }, EventJson.Options) : $"Run {input.Run} started. 'xinstruct watch {input.Run}' shows it; 'xinstruct worker' works on it.");
            return ExitCodes.Ok;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var workers = result.GetValue(NoWorker) ? null : deployment.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        try
        {
            var end = handle.GetResultAsync(rpcOptions: new RpcOptions { CancellationToken = ct });
            await (workers is null ? WatchAsync(deployment, input.Run, end, json, ct) : WatchAsync(deployment, input.Run, Task.WhenAny(end, workers), json, ct));
            if (workers is { IsFaulted: true }) await workers;
            await end;
            var reporter = deployment.Get<RunReporter>();
            var run = await deployment.Get<RunReader>().LoadAsync(input.Run, ct);
            var report = await reporter.ReportAsync(run, loaded, "completed", clock.Elapsed.TotalSeconds, ct);
            if (!json) Failures.Warn(report.Warnings.Except(loaded.Warnings));
            await DescribeAsync(deployment, run, loaded, ct);
            return await TerminalPicture.RecordAsync(result.GetValue(CommonOptions.Svg), () =>
            {
                Summary.Write(report, json);
                return Task.FromResult(ExitCodes.Ok);
            });
        }
        catch (WorkflowFailedException e)
        {
            return Failures.Say(input.Run, e, json);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"Interrupted. Nothing is lost: the same command goes on with run {input.Run}.");
            return ExitCodes.Interrupted;
        }
        finally
        {
            await stop.CancelAsync();
            if (workers is not null) await WorkflowStart.IgnoreStopAsync(workers);
        }
    }

    private static async Task<int> EstimateAsync(ParseResult result, string recipePath, CancellationToken ct)
    {
        var loaded = RecipeFile.Load(recipePath, result.GetValue(Set) ?? []);
        var json = result.GetValue(CommonOptions.Json);
        if (!json) Failures.Warn(loaded.Warnings);
        Summary.Write(await RunEstimate.OfAsync(loaded, ct), json);
        return ExitCodes.Ok;
    }

    /// <summary>The release's data sheet once more, with the evaluation and with the truth, which no worker knows.</summary>
    private static async Task DescribeAsync(Deployment deployment, Run run, LoadedRecipe recipe, CancellationToken ct)
    {
        try
        {
            await deployment.Get<DataSheetWriter>().WriteAsync(run, recipe, deployment.Get<ReleaseReader>().Folder(run), ct);
        }
        catch (Exception e) when (e is TamperedException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"warning: no data sheet: {e.Message}");
        }
    }

    /// <summary>Shows the run until <paramref name="end"/> ends, in the way that fits where the output goes.</summary>
    internal static async Task WatchAsync(Deployment deployment, string run, Task end, bool json, CancellationToken ct)
    {
        var watcher = deployment.Watcher(run);
        if (json || Console.IsOutputRedirected)
        {
            var lines = new LineDisplay(Console.Out, json);
            lines.Say($"Run {run}");
            await watcher.WatchAsync(lines, end, ct);
            return;
        }

        AnsiConsole.MarkupLineInterpolated($"Run [bold]{run}[/]. Ctrl-C stops it; the same command goes on.");
        await AnsiConsole.Live(new Text("starting …")).StartAsync(live => watcher.WatchAsync(new TableDisplay(live), end, ct));
    }
}
