using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Cli.Commands;

/// <summary>The commands that give a recipe to a job, one for each kind: starts the job, or attaches to it, and works on it until it ends.</summary>
internal static class JobCommand
{
    public static IEnumerable<Command> All() => JobKinds.Standard.All.Select(Create);

    private static Command Create(JobKind kind)
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe (YAML), or 'new' and a file to write a commented one." };
        var target = new Argument<string?>("path") { Description = "File that 'new' writes.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command(kind.Name, $"{kind.Description} Killed and started again, it goes on.") { recipe, target };
        foreach (var option in RecipeWork.Options) command.Options.Add(option);
        command.SetAction((result, ct) => (result.GetValue(recipe)!, result.GetValue(target)) switch
        {
            ("new", { } path) => NewAsync(result, kind, path, ct),
            ("new", null) => throw new UsageException($"Say which file to write: xinstruct {kind.Name} new my-recipe.yaml"),
            (_, { } unknown) => throw new UsageException($"One recipe at a time: {unknown} is too much."),
            (var path, null) => ExecuteAsync(result, kind, path, ct),
        });
        return command.WithExamples($"xinstruct {kind.Name} new my-recipe.yaml", $"xinstruct {kind.Name} my-recipe.yaml --check", $"xinstruct {kind.Name} my-recipe.yaml", $"xinstruct {kind.Name} my-recipe.yaml --json | tail -1 | jq .output");
    }

    private static async Task<int> NewAsync(ParseResult result, JobKind kind, string path, CancellationToken ct)
    {
        if (File.Exists(path)) throw new UsageException($"{path} exists already. Name another file or remove it first.");
        await File.WriteAllTextAsync(path, RecipeTemplate.Commented(kind.Name, kind.NewRecipe(), kind.Examples), ct);
        Console.WriteLine(result.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(new { Written = path }, EventJson.Options) : $"Wrote {path}. Set {string.Join(", ", kind.Examples.Keys.Where(k => k != "name"))}, then 'xinstruct {kind.Name} {path} --check'.");
        return ExitCodes.Ok;
    }

    private static async Task<int> ExecuteAsync(ParseResult result, JobKind kind, string path, CancellationToken ct)
    {
        var loaded = await JobRecipeFile.LoadAsync(kind, path, result.GetValue(RecipeWork.Set) ?? [], ct);
        if (result.GetValue(RecipeWork.Check))
        {
            Console.WriteLine(result.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(new { Status = "ok", loaded.Recipe.Name }, EventJson.Options) : $"{path}: recipe {loaded.Recipe.Name} for '{kind.Name}' is good.");
            return ExitCodes.Ok;
        }

        if (RecipeWork.IsWorking(result) && JobEndpoints.Of(loaded.Recipe)?.Keys.FirstOrDefault(key => string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(key))) is { } missing)
            throw new UsageException(OpenAiEndpoint.NoKey(missing));
        await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
        var clock = Stopwatch.StartNew();
        var publisher = deployment.Get<JobPublisher>();
        var input = await deployment.Get<JobStore>().PrepareAsync(loaded, ct);
        var folder = loaded.Recipe.Output ?? publisher.DefaultFolder(input.Job);
        if (JobPublisher.Problem(folder, input.Job) is { } problem) throw new UsageException(problem);
        return await new RecipeWork("Job", result).RunAsync(
            deployment,
            input.Job,
            (JobWorkflow w) => w.RunAsync(new JobRun(input)),
            MomentAsync,
            async tree =>
            {
                await publisher.WriteAsync(input, tree, folder, ct);
                var told = kind.Tell(folder);
                return (
                    [$"Job {input.Job} has ended.", .. told?.Sentences ?? [], $"Result: {folder}{(File.Exists(Path.Combine(folder, "report.html")) ? " (report.html shows it)" : "")}"],
                    new { input.Job, Status = "completed", input.Kind, Result = tree, Output = folder, Summary = told?.Summary, Seconds = Math.Round(clock.Elapsed.TotalSeconds, 1) });
            },
            ct);
    }

    internal static async Task<WorkMoment?> MomentAsync(WorkflowHandle<JobWorkflow, string> handle, CancellationToken ct)
    {
        try
        {
            var state = await handle.QueryAsync(w => w.Progress, new WorkflowQueryOptions { Rpc = new RpcOptions { CancellationToken = ct } });
            var parts = state.Parts > 0 ? $" · part {state.Done} of {state.Parts}" : "";
            var share = state.Stages == 0 ? 0 : (state.Number - 1 + (state.Parts > 0 ? (double)state.Done / state.Parts : 0)) / state.Stages;
            return new WorkMoment(share, $"stage {state.Number}/{state.Stages} {state.Stage}{parts}{(state.IsPaused ? " · paused" : "")}", new { Event = "progress", state.Stage, state.Number, state.Stages, state.Parts, state.Done, Paused = state.IsPaused }, state.Stage == "done");
        }
        catch (Exception e) when (e is RpcException or WorkflowQueryFailedException)
        {
            // No worker has taken it up yet, or the engine is away: the next look tells.
            return null;
        }
    }
}
