using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>export</c>: a sealed release in the formats that others read.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("run") { Description = "Run id." };
        var format = new Option<string>("--format") { Description = "What to write.", DefaultValueFactory = _ => "jsonl" };
        format.AcceptOnlyFromAmong([.. ExportFormat.All.Select(f => f.Name)]);
        var target = new Option<string?>("--out") { Description = "A folder, for a file a language, or one file with the format's ending. Default: a folder named by run and format, here." };
        var languages = new Option<string[]>("--languages") { Description = "Only these languages, separated by commas or blanks.", AllowMultipleArgumentsPerToken = true };
        var command = new Command("export", "Writes a sealed release as Alpaca, ShareGPT, messages, JSONL, CSV, Parquet or a folder for the Hugging Face hub, after checking that it is what was sealed.") { run, format, target, languages, CommonOptions.AsOf };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var id = result.GetValue(run)!;
            var found = await deployment.Get<RunReader>().FindAsync(id, ct) ?? throw new UsageException($"There is no run {id}. 'xinstruct status' lists the runs.");
            if (result.GetValue(CommonOptions.AsOf) is { } asOf && await deployment.Get<RunMoments>().OfAsync(id, asOf, ct) is not { Release: not null })
            {
                var seal = (await deployment.Get<RunMoments>().OfAsync(id, DateTimeOffset.MaxValue, ct))?.Sealed;
                throw new UsageException($"Run {id} had no sealed release at {asOf:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}{(seal is null ? "" : $"; it was sealed at {seal:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}")}. 'xinstruct status {id} --as-of' shows how far it was.");
            }

            var kind = ExportFormat.Find(result.GetValue(format)!)!;
            var chosen = (result.GetValue(languages) ?? []).SelectMany(l => l.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
            var export = await deployment.Get<ReleaseExporter>().ExportAsync(found, kind, result.GetValue(target) ?? $"{id}-{kind.Name}", chosen, ct);
            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(export, EventJson.Options));
            else Print(export);
            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "xinstruct export demo-1a2b3c4d --format alpaca --out LLaMA-Factory/data", "xinstruct export demo-1a2b3c4d --format parquet --out demo.parquet --languages sw,ko");
    }

    private static void Print(Export export)
    {
        foreach (var file in export.Files) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file.Name}  {file.Rows:N0} rows, {file.Bytes:N0} bytes, SHA-256 {file.Sha256}"));
        Console.WriteLine(export.Path);
    }
}
