using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Workflows.Training;

namespace XInstruct.Cli.Commands;

/// <summary><c>train sft</c> and <c>train dpo</c>: starts a recipe's training, or attaches to it, and works on it until it ends.</summary>
internal static class TrainCommand
{
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
        var command = new Command(name, description) { recipe };
        foreach (var option in RecipeWork.Options) command.Options.Add(option);
        command.SetAction((result, ct) => ExecuteAsync(result, result.GetValue(recipe)!, kind, ct));
        return command.WithExamples(examples);
    }

    private static async Task<int> ExecuteAsync(ParseResult result, string path, TrainingKind kind, CancellationToken ct)
    {
        var loaded = await TrainingRecipeFile.LoadAsync(path, kind, result.GetValue(RecipeWork.Set) ?? [], ct);
        if (result.GetValue(RecipeWork.Check))
        {
            var said = result.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(new { Status = "ok", loaded.Recipe.Name }, EventJson.Options) : $"{path}: training recipe {loaded.Recipe.Name} is good.";
            Console.WriteLine(said);
            return ExitCodes.Ok;
        }

        await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
        var clock = Stopwatch.StartNew();
        var publisher = deployment.Get<TrainingPublisher>();
        var input = await deployment.Get<TrainingStarter>().PrepareAsync(loaded, ct);
        var folder = loaded.Recipe.Output ?? publisher.DefaultFolder(input.Training);
        if (TrainingPublisher.Problem(folder, input.Training) is { } problem) throw new UsageException(problem);
        return await new RecipeWork("Training", result).RunAsync(
            deployment,
            input.Training,
            (TrainingWorkflow w) => w.RunAsync(input),
            async (_, token) => await publisher.ProgressAsync(input.Training, token) is { } progress ? TrainingDisplay.Moment(progress) : null,
            async model =>
            {
                await publisher.WriteAsync(input, model, folder, ct);
                return TrainingDisplay.End(input.Training, model, folder, clock.Elapsed);
            },
            ct);
    }
}
