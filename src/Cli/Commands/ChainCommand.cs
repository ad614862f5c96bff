using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Chains;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Cli.Commands;

/// <summary><c>chain</c>: makes data, chooses among it, trains with and without it, and measures what it brought.</summary>
internal static class ChainCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe of the chain (YAML): it names the recipes of its steps." };
        var command = new Command("chain", "Makes data, chooses among it, trains with and without it, and measures what it brought, in which languages, and how sure that is. Killed and started again, it goes on.") { recipe };
        foreach (var option in RecipeWork.Options) command.Options.Add(option);
        command.SetAction((result, ct) => ExecuteAsync(result, result.GetValue(recipe)!, ct));
        return command.WithExamples("xinstruct chain samples/recipes/chain.yaml", "xinstruct chain my-chain.yaml --check", "xinstruct chain my-chain.yaml --json | tail -1 | jq .output");
    }

    private static async Task<int> ExecuteAsync(ParseResult result, string path, CancellationToken ct)
    {
        var json = result.GetValue(CommonOptions.Json);
        var loaded = await ChainRecipeFile.LoadAsync(path, result.GetValue(RecipeWork.Set) ?? [], ct);
        if (result.GetValue(RecipeWork.Check))
        {
            Console.WriteLine(json ? JsonSerializer.Serialize(new { Status = "ok", loaded.Recipe.Name }, EventJson.Options) : $"{path}: chain {loaded.Recipe.Name} and its recipes are good.");
            return ExitCodes.Ok;
        }

        if (RecipeWork.IsWorking(result) && RunSettings.Of(loaded.Run.Recipe)?.Keys.FirstOrDefault(key => string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(key))) is { } missing)
            throw new UsageException(OpenAiEndpoint.NoKey(missing));
        await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
        var clock = Stopwatch.StartNew();
        var publisher = deployment.Get<JobPublisher>();
        var input = await deployment.Get<ChainStarter>().PrepareAsync(loaded, ct);
        var folder = loaded.Recipe.Output ?? publisher.DefaultFolder(input.Chain);
        if (JobPublisher.Problem(folder, input.Chain) is { } problem) throw new UsageException(problem);
        return await new RecipeWork("Chain", result).RunAsync(
            deployment,
            input.Chain,
            (ChainWorkflow w) => w.RunAsync(input),
            MomentAsync,
            async tree =>
            {
                await publisher.WriteAsync(new JobInput(input.Chain, "chain", input.Recipe), tree, folder, ct);
                using var answer = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "chain.json"), ct));
                var verdict = answer.RootElement.GetProperty("verdict").GetString();
                return (
                    [$"Chain {input.Chain} has ended. Did the new data help? {verdict}", $"Result: {folder} (report.html shows it)"],
                    new { input.Chain, Status = "completed", Verdict = verdict, Result = tree, Output = folder, Seconds = Math.Round(clock.Elapsed.TotalSeconds, 1) });
            },
            ct);
    }

    internal static async Task<WorkMoment?> MomentAsync(WorkflowHandle<ChainWorkflow, string> handle, CancellationToken ct)
    {
        try
        {
            var state = await handle.QueryAsync(w => w.Progress, new WorkflowQueryOptions { Rpc = new RpcOptions { CancellationToken = ct } });
            var share = state.Steps == 0 ? 0 : (state.Number - 1.0) / state.Steps;
            return new WorkMoment(share, $"step {state.Number}/{state.Steps} {state.Step}{(state.Workflow is { } id ? $" · {id}" : "")}{(state.IsPaused ? " · paused" : "")}", new { Event = "progress", state.Step, state.Number, state.Steps, state.Workflow, Paused = state.IsPaused }, state.Step == "done");
        }
        catch (Exception e) when (e is RpcException or WorkflowQueryFailedException)
        {
            return null;
        }
    }
}
