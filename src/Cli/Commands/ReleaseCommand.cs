using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Audit;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>release</c>: <c>rebuild</c> and <c>diff</c>.</summary>
internal static class ReleaseCommand
{
    /// <summary>So many samples of each kind are printed.</summary>
    private const int Shown = 10;

    public static Command Create() => new("release", "Makes a sealed release again from the log, and compares two.") { Rebuild(), Diff() };

    private static Command Rebuild()
    {
        var run = new Argument<string>("run") { Description = "Run id." };
        var target = new Option<string?>("--out") { Description = "A folder that is empty or not there. Default: named by the run, here." };
        var command = new Command("rebuild", "Makes a sealed release again from events and contents alone, byte for byte, and compares it with the seal. No file of the release is needed.") { run, target };
        command.SetAction(async (result, ct) =>
        {
            var id = result.GetValue(run)!;
            var folder = Path.GetFullPath(result.GetValue(target) ?? $"{id}-rebuilt");
            if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())) throw new UsageException($"{folder} is not empty. Name another folder with --out.");
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var rebuilt = await deployment.Get<ReleaseRebuilder>().RebuildAsync(id, folder, ct);
            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(rebuilt, EventJson.Options));
            else Print(rebuilt);
            return rebuilt.IsSame ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command.WithExamples("xinstruct release rebuild demo-1a2b3c4d", "xinstruct release rebuild demo-1a2b3c4d --out again --json");
    }

    private static Command Diff()
    {
        var before = new Argument<string>("before") { Description = "Run id of the earlier release." };
        var after = new Argument<string>("after") { Description = "Run id of the later release." };
        var all = new Option<bool>("--all") { Description = $"Print every sample that differs, not the first {Shown} of each kind." };
        var command = new Command("diff", "What two sealed releases differ in: samples added, removed and changed, the revision at which their histories parted, and why. With --json a line for each sample, and the counts last.")
        {
            before, after, all,
        };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var (json, shown) = (result.GetValue(CommonOptions.Json), new Dictionary<string, int>(StringComparer.Ordinal));
            var comparison = await deployment.Get<ReleaseDiff>().CompareAsync(result.GetValue(before)!, result.GetValue(after)!, Each, ct);
            if (json) Console.WriteLine(JsonSerializer.Serialize(comparison, EventJson.Options));
            else Print(comparison, shown, result.GetValue(all));
            return ExitCodes.Ok;

            void Each(SampleDiff diff)
            {
                var number = shown[diff.Change] = shown.GetValueOrDefault(diff.Change) + 1;
                if (json) Console.WriteLine(JsonSerializer.Serialize(diff, EventJson.Options));
                else if (number <= Shown || result.GetValue(all)) Print(diff);
            }
        });
        return command.WithExamples("xinstruct release diff demo-1a2b3c4d demo-5e6f7a8b", "xinstruct release diff demo-1a2b3c4d demo-5e6f7a8b --json | tail -1");
    }

    private static void Print(Rebuilt rebuilt)
    {
        foreach (var file in rebuilt.Files) Console.WriteLine($"{file.Name}  {(file.IsSame ? "as it was sealed" : $"NOT as it was sealed, which was {file.Sealed}")}, SHA-256 {file.Sha256}");
        if (rebuilt.Lost.Count > 0) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rebuilt.Lost.Count:N0} rows cannot be made again: their texts are withdrawn or missing. The first is {rebuilt.Lost[0]}."));
        Console.WriteLine("A log cannot make again what only lies in files:");
        foreach (var outside in rebuilt.Outside) Console.WriteLine($"  {outside.What} {outside.Hash[..12]}  {outside.State}");
        Console.WriteLine($"{rebuilt.Path}  {(rebuilt.IsSame ? "the release as it was sealed" : "NOT the release as it was sealed")}, {rebuilt.Sha256}");
    }

    private static void Print(SampleDiff diff)
    {
        var place = diff.Version is null ? "" : $" at version {diff.Version}";
        AnsiConsole.MarkupLineInterpolated($"[bold]{diff.Change}[/] {diff.Sample} {diff.Language}{place}: {TerminalText.Clean(diff.Why)}");
        if (diff.Columns.Count > 0) AnsiConsole.Write(new Padder(new Text($"differs in {string.Join(", ", diff.Columns)}"), new Padding(3, 0, 0, 0)));
        if (diff.Instruction is not null) AnsiConsole.Write(new Padder(new Markup(TrailDisplay.Changes(diff.Instruction)), new Padding(3, 0, 0, 0)));
    }

    private static void Print(ReleaseComparison comparison, Dictionary<string, int> found, bool isAll)
    {
        foreach (var (change, count) in found.Where(f => f.Value > Shown && !isAll)) Console.WriteLine($"and {count - Shown} more {change}; --all prints them");
        foreach (var reason in comparison.Reasons) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{reason.Samples,8:N0} {reason.Change}: {reason.Why}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{comparison.Same:N0} the same, {comparison.Added:N0} added, {comparison.Removed:N0} removed, {comparison.Changed:N0} changed"));
    }
}
