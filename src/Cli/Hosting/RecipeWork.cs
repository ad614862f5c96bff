using System.CommandLine;
using System.Linq.Expressions;
using System.Text.Json.Nodes;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Cli.Commands;
using XInstruct.Cli.Display;
using XInstruct.Workflows;

namespace XInstruct.Cli.Hosting;

/// <summary>How the commands go that give a recipe of its own to a workflow: <c>train</c>, <c>curate</c>, <c>evaluate</c>, …</summary>
/// <param name="what">What it is called: Training, Job.</param>
/// <param name="result">The command line.</param>
internal sealed class RecipeWork(string what, ParseResult result)
{
    public static readonly Option<string[]> Set = new("--set") { Description = "Override a recipe key: --set seed=2. May be given more than once." };
    public static readonly Option<bool> Check = new("--check") { Description = "Check the recipe and its files, and start nothing." };
    private static readonly Option<bool> NoWorker = new("--no-worker") { Description = "Only start and watch; 'xinstruct worker' processes do the work." };
    private static readonly Option<bool> Detach = new("--detach") { Description = "Start and return; implies --no-worker." };

    /// <summary>The options of such a command.</summary>
    public static IReadOnlyList<Option> Options { get; } = [Set, Check, NoWorker, Detach];

    /// <summary>Whether this process works on it, and does not only start it.</summary>
    public static bool IsWorking(ParseResult result) => !result.GetValue(NoWorker) && !result.GetValue(Detach);

    /// <summary>Starts a workflow, or attaches to it, and works on it until it ends.</summary>
    /// <param name="deployment">Where.</param>
    /// <param name="id">Workflow id.</param>
    /// <param name="call">What runs.</param>
    /// <param name="moment">Where it is.</param>
    /// <param name="finish">Takes what it came to and tells it, for people and for scripts.</param>
    /// <param name="ct">Ctrl-C.</param>
    public async Task<int> RunAsync<TWorkflow, TResult>(
        Deployment deployment,
        string id,
        Expression<Func<TWorkflow, Task<TResult>>> call,
        Func<WorkflowHandle<TWorkflow, TResult>, CancellationToken, Task<WorkMoment?>> moment,
        Func<TResult, Task<(IReadOnlyList<string> Sentences, object Summary)>> finish,
        CancellationToken ct)
    {
        var json = result.GetValue(CommonOptions.Json);
        var display = WorkDisplay.For(json);
        var handle = await deployment.Client.StartOrAttachAsync(call, id, ct);
        if (result.GetValue(Detach))
        {
            display.End([$"{what} {id} started. 'xinstruct worker' works on it; the same command without --detach shows it."], new JsonObject { [what.ToLowerInvariant()] = id, ["status"] = "started" });
            return ExitCodes.Ok;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var workers = result.GetValue(NoWorker) ? null : deployment.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        try
        {
            var end = handle.GetResultAsync(rpcOptions: new RpcOptions { CancellationToken = ct });
            display.Say($"{what} {id}");
            await display.WatchAsync(token => moment(handle, token), workers is null ? end : Task.WhenAny(end, workers), ct);
            if (workers is { IsFaulted: true }) await workers;
            var (sentences, summary) = await finish(await end);
            display.End(sentences, summary);
            return ExitCodes.Ok;
        }
        catch (WorkflowFailedException e)
        {
            return Failures.Say(id, e, json, what);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"Interrupted. What is done stays: the same command goes on with {what.ToLowerInvariant()} {id}.");
            return ExitCodes.Interrupted;
        }
        finally
        {
            await stop.CancelAsync();
            if (workers is not null) await WorkflowStart.IgnoreStopAsync(workers);
        }
    }
}
