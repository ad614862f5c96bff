using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>audit show</c> and <c>audit verify</c>.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "Shows where a sample came from, and proves that nothing changed.") { Show(), Verify() };

    private static Command Show()
    {
        var subject = new Argument<string>("sample") { Description = "Sample id, as in the release's id column, or the id of a run, a training or a job." };
        var command = new Command("show", "The history of a sample, revision by revision, or of a run, a training or a job.") { subject };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var name = result.GetValue(subject)!;
            var isSample = Guid.TryParse(name, out var sample);
            var training = isSample ? null : (await deployment.Get<ModelReader>().ListAsync(ct)).FirstOrDefault(m => m.Name == name);
            var job = isSample ? null : (await deployment.Get<JobStore>().ListAsync(ct)).FirstOrDefault(j => j.Name == name);
            var trails = await deployment.Get<AuditTrail>().OfAsync(isSample ? sample : training?.Id ?? job?.Id ?? Identity.RunStream(name), ct);
            if (trails.Count == 0) throw new UsageException($"There is no sample, run, training or job {name}. Sample ids stand in the id column of a release; 'xinstruct status' lists the runs.");
            foreach (var trail in trails)
            {
                if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(trail, EventJson.Options));
                else Print(trail, isSample);
            }

            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct audit show 5d0c4a3e-8a52-5b5e-9c1b-2f6d0a4f1e77", "xinstruct audit show demo-1a2b3c4d");
    }

    private static Command Verify()
    {
        var run = new Argument<string?>("run") { Description = "Id of a run, a training or a job; without it, all of them.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("verify", "Recomputes hash chains, contents, Merkle roots and release files, and names any changed byte's place.") { run };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            List<string> runs = result.GetValue(run) is { } id ? [id] : [.. (await deployment.Get<RunReader>().ListAsync(ct)).Select(r => r.Name), .. (await deployment.Get<ModelReader>().ListAsync(ct)).Select(m => m.Name), .. (await deployment.Get<JobStore>().ListAsync(ct)).Select(j => j.Name)];
            var clean = true;
            foreach (var name in runs)
            {
                var report = await deployment.Get<AuditVerifier>().VerifyAsync(name, ct);
                if (report.Events == 0) throw new UsageException($"There is no run {name}. 'xinstruct status' lists the runs.");
                clean &= report.IsClean;
                if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(report, EventJson.Options));
                else Print(report);
            }

            return clean ? ExitCodes.Ok : ExitCodes.Failed;
        });
        return command.WithExamples("xinstruct audit verify", "xinstruct audit verify demo-1a2b3c4d --json");
    }

    private static void Print(AuditReport report)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Run}: {report.Events:N0} events in {report.Streams:N0} streams, {report.Contents:N0} contents, {report.Files} files: {(report.IsClean ? "all hashes agree" : $"{report.Findings.Count} findings")}"));
        foreach (var finding in report.Findings) Console.WriteLine($"  {finding.Place}: {finding.Problem}");
    }

    private static void Print(Trail trail, bool isSample)
    {
        if (isSample) AnsiConsole.MarkupLineInterpolated($"[bold]sample {trail.Sample}[/] in run [bold]{trail.Run}[/] (stream {trail.Stream})");
        else AnsiConsole.MarkupLineInterpolated($"[bold]{trail.Run}[/] (stream {trail.Stream})");
        foreach (var entry in trail.Entries)
        {
            string Header(string name) => entry.Headers.TryGetProperty(name, out var value) ? value.ToString() : "";
            AnsiConsole.MarkupLineInterpolated($"[bold]{entry.Version}[/] {entry.Type}  {Header(EventHeaders.At)}  {Header(EventHeaders.Workflow)} attempt {Header(EventHeaders.Attempt)} on {Header(EventHeaders.Worker)}");
            if (entry.Text is not null) AnsiConsole.WriteLine("    " + TerminalText.Clean(entry.Text));
            AnsiConsole.WriteLine("    " + entry.Data.GetRawText());
            if (entry.Act is { } act) AnsiConsole.WriteLine("    by " + act.GetRawText());
        }
    }
}
