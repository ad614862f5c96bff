using System.CommandLine;
using System.Text.Json;
using XInstruct.Activities.DataSheets;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>report</c>: the data sheet of a release.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Run id." };
        var target = new Option<string?>("--out") { Description = "Folder. Default: a folder named by the run, here. The sheet beside the release stays as it is." };
        var recipe = new Option<string?>("--recipe") { Description = "Recipe file whose truth gives precision and accuracy; a run knows no truth." };
        var command = new Command("report", "Writes the data sheet of a sealed release, datasheet.md and datasheet.html, after checking that it is what was sealed.") { run, target, recipe };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var id = result.GetValue(run)!;
            var found = await deployment.Get<RunReader>().FindAsync(id, ct) ?? throw new UsageException($"There is no run {id}. 'xinstruct status' lists the runs.");
            if (found.Release is null) throw new UsageException($"Run {id} has no sealed release yet. 'xinstruct status {id}' shows how far it is.");
            var loaded = result.GetValue(recipe) is { } path ? RecipeFile.Load(path, []) : null;
            var folder = Path.GetFullPath(result.GetValue(target) ?? $"{id}-report");
            var files = await deployment.Get<DataSheetWriter>().WriteAsync(found, loaded, folder, ct);
            if (!DataSheetWriter.HasCharts) await Console.Error.WriteLineAsync("warning: this build has no chart library, so the page has tables only. 'eng/npm/fetch', then build again.");
            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(new { Run = id, Files = files }, EventJson.Options));
            else foreach (var file in files) Console.WriteLine(file);
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct report demo-1a2b3c4d", "xinstruct report demo-1a2b3c4d --recipe samples/recipes/demo.yaml --out report");
    }
}
