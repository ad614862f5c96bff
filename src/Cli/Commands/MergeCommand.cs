using System.CommandLine;
using System.Text.Json;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>merge</c>: a model and an adapter become a model.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("base") { Description = "Model folder that the adapter was trained on." };
        var adapter = new Argument<string>("adapter") { Description = "Adapter folder in PEFT's layout." };
        var folder = new Argument<string>("out") { Description = "Folder for the merged model; it must be empty or not there." };
        var command = new Command("merge", "Adds an adapter to its model's weights, so that the result needs no adapter. Of an adapter that was trained here, the merge is recorded beside its training.") { model, adapter, folder };
        command.SetAction(async (result, ct) =>
        {
            var (merged, card) = await ModelMerger.MergeAsync(result.GetValue(model)!, result.GetValue(adapter)!, result.GetValue(folder)!, ct);
            var isRecorded = false;
            if (card is not null && CommonOptions.Deployment(result) is { Postgres: not null } options)
            {
                await using var deployment = await Deployment.OpenAsync(options, ct);
                isRecorded = await deployment.Get<MergeRecorder>().RecordAsync(card, merged, ct);
            }

            Console.WriteLine(result.GetValue(CommonOptions.Json)
                ? JsonSerializer.Serialize(new { Output = result.GetValue(folder), merged.Model, merged.Base, merged.Adapter, card?.Training, Recorded = isRecorded }, EventJson.Options)
                : $"Merged model: {result.GetValue(folder)}{(isRecorded ? $", recorded beside training {card!.Training}" : "")}.");
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct merge models/llama my-adapter merged", "xinstruct merge models/llama my-adapter merged --json");
    }
}
