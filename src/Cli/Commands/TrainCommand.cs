using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Spectre.Console;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Commands;

/// <summary><c>train sft</c> and <c>train dpo</c>: starts a recipe's training, or attaches to it, and works on it until it ends.</summary>
internal static class TrainCommand
{
    private static readonly Option<string[]> Set = new("--set") { Description = "Override a recipe key: --set schedule.passes=1. May be given more than once." };
    private static readonly Option<bool> Check = new("--check") { Description = "Check the recipe and its files, and start nothing." };
    private static readonly Option<bool> NoWorker = new("--no-worker") { Description = "Only start and watch; 'xinstruct worker' processes do the work." };
    private static readonly Option<bool> Detach = new("--detach") { Description = "Start the training and return; implies --no-worker." };

    public static Command Create() => new("train", "Trains a model by a recipe of its own: the whole model, or an adapter on it.")
    {
        New(),
        Kind(TrainingKind.Sft, "sft", "Trains on pairs of prompt and completion (supervised fine-tuning). Killed and started again, it goes on from its last checkpoint.",
            "xinstruct train sft my-training.yaml", "xinstruct train sft my-training.yaml --set method=qlora --set schedule.passes=1", "xinstruct train sft my-training.yaml --check", "xinstruct train sft my-training.yaml --json | tail -1 | jq .output"),
        Kind(TrainingKind.Dpo, "dpo", "Trains on preferences: of two completions of a prompt one is better (DPO and its kin). Killed and started again, it goes on from its last checkpoint.",
            "xinstruct train dpo preferences.yaml", "xinstruct train dpo preferences.yaml --set preference.beta=0.3"),
    };

    private static Command New()
    {
        var path = new Argument<string>("path") { Description = "File to write." };
        var command = new Command("new", "Writes a commented training recipe.") { path };
        command.SetAction(async (result, ct) =>
        {
            var target = result.GetValue(path)!;
            if (File.Exists(target)) throw new UsageException($"{target} exists already. Name another file or remove it first.");
            await File.WriteAllTextAsync(target, RecipeTemplate.CommentedTraining(), ct);
            Console.WriteLine(result.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(new { Written = target }, EventJson.Options) : $"Wrote {target}. Set model.path and data, then 'xinstruct train sft {target} --check'.");
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct train new my-training.yaml");
    }

    private static Command Kind(TrainingKind kind, string name, string description, params string[] examples)
    {
        var recipe = new Argument<string>("recipe") { Description = "Training recipe (YAML)." };
        var command = new Command(name, description) { recipe, Set, Check, NoWorker, Detach };
        command.SetAction((result, ct) => ExecuteAsync(result, result.GetValue(recipe)!, kind, ct));
        return command.WithExamples(examples);
    }

    private static async Task<int> ExecuteAsync(ParseResult result, string path, TrainingKind kind, CancellationToken ct)
    {
        var json = result.GetValue(CommonOptions.Json);
        var loaded = await TrainingRecipeFile.LoadAsync(path, kind, result.GetValue(Set) ?? [], ct);
        if (result.GetValue(Check))
        {
            Console.WriteLine(json ? JsonSerializer.Serialize(new { Status = "ok", loaded.Recipe.Name }, EventJson.Options) : $"{path}: training recipe {loaded.Recipe.Name} is good.");
            return ExitCodes.Ok;
        }

        await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
        var clock = Stopwatch.StartNew();
        var publisher = deployment.Get<TrainingPublisher>();
        var input = await deployment.Get<TrainingStarter>().PrepareAsync(loaded, ct);
        var folder = loaded.Recipe.Output ?? publisher.DefaultFolder(input.Training);
        if (TrainingPublisher.Problem(folder, input.Training) is { } problem) throw new UsageException(problem);
        var handle = await deployment.Client.StartOrAttachAsync((TrainingWorkflow w) => w.RunAsync(input), input.Training, ct);
        if (result.GetValue(Detach))
        {
            Console.WriteLine(json ? JsonSerializer.Serialize(new { input.Training, Status = "started" }, EventJson.Options) : $"Training {input.Training} started. 'xinstruct worker' works on it; the same command without --detach shows it.");
            return ExitCodes.Ok;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var workers = result.GetValue(NoWorker) ? null : deployment.RunWorkersAsync(TaskQueues.All, TimeSpan.Zero, null, stop.Token);
        try
        {
            var end = handle.GetResultAsync(rpcOptions: new RpcOptions { CancellationToken = ct });
            var display = TrainingDisplay.For(input.Training, json);
            await display.WatchAsync(token => publisher.ProgressAsync(input.Training, token), workers is null ? end : Task.WhenAny(end, workers), ct);
            if (workers is { IsFaulted: true }) await workers;
            var model = await end;
            await publisher.WriteAsync(input, model, folder, ct);
            display.End(input.Training, loaded, model, folder, clock.Elapsed);
            return ExitCodes.Ok;
        }
        catch (WorkflowFailedException e)
        {
            return Failures.Say(input.Training, e, json, "Training");
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"Interrupted. Nothing before the last checkpoint is lost: the same command goes on with training {input.Training}.");
            return ExitCodes.Interrupted;
        }
        finally
        {
            await stop.CancelAsync();
            if (workers is not null) await WorkflowStart.IgnoreStopAsync(workers);
        }
    }
}
