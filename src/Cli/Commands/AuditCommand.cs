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

/// <summary><c>audit</c>: <c>show</c>, <c>replay</c>, <c>verify</c> and <c>export</c>.</summary>
internal static class AuditCommand
{
    public static Command Create() => new("audit", "Shows where a sample came from, and proves that nothing changed.") { Show(), Replay(), Verify(), Export() };

    private static Command Show()
    {
        var subject = new Argument<string>("sample") { Description = "Sample id, as in the release's id column, or the id of a run, a training or a job." };
        var prompts = new Option<bool>("--prompts") { Description = "Also print the prompts, which the page names by their hashes." };
        var run = new Option<string?>("--run") { Description = "Only this run's history of the sample." };
        var command = new Command("show", "The history of a sample, revision by revision, or of a run, a training or a job: what each event changed, word by word, with what model and prompt, for how much, and where.")
        {
            subject, run, prompts, CommonOptions.AsOf,
        };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var name = result.GetValue(subject)!;
            var isSample = Guid.TryParse(name, out var sample);
            var training = isSample ? null : await deployment.Get<ModelReader>().NamedAsync(name, ct);
            var job = isSample ? null : await deployment.Get<JobStore>().NamedAsync(name, ct);
            var asOf = result.GetValue(CommonOptions.AsOf);
            var trails = await deployment.Get<AuditTrail>().OfAsync(isSample ? sample : training?.Id ?? job?.Id ?? Identity.RunStream(name), ct, asOf, result.GetValue(prompts));
            if (result.GetValue(run) is { } only) trails = [.. trails.Where(t => t.Run == only)];
            if (trails.Count == 0)
            {
                throw new UsageException($"There is no sample, run, training or job {name}{(asOf is null ? "" : $" as of {asOf:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}")}. Sample ids stand in the id column of a release; 'xinstruct status' lists the runs.");
            }

            foreach (var trail in trails)
            {
                if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(trail, EventJson.Options));
                else TrailDisplay.Write(AnsiConsole.Console, trail, isSample);
            }

            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "xinstruct audit show 5d0c4a3e-8a52-5b5e-9c1b-2f6d0a4f1e77", "xinstruct audit show 5d0c4a3e-8a52-5b5e-9c1b-2f6d0a4f1e77 --prompts --json", "xinstruct audit show demo-1a2b3c4d --as-of 2026-11-22T01:30Z");
    }

    private static Command Replay()
    {
        var subject = new Argument<Guid>("sample") { Description = "Sample id, as in the release's id column." };
        var run = new Option<string?>("--run") { Description = "In this run. Default: in every run that has the sample." };
        var at = new Option<string?>("--at") { Description = "A version of the sample's history, or a time as 2026-11-22T01:30:00Z. Default: its end." };
        var command = new Command("replay", "What a sample was after a version of its history or at a time, folded from the log.") { subject, run, at };
        command.SetAction(async (result, ct) =>
        {
            var (version, time) = Point(result.GetValue(at));
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var sample = result.GetValue(subject);
            var streams = (await deployment.Get<AuditTrail>().OfAsync(sample, ct)).Where(t => result.GetValue(run) is not { } only || t.Run == only).ToList();
            if (streams.Count == 0) throw new UsageException($"There is no sample {sample}{(result.GetValue(run) is { } only ? $" in run {only}" : "")}. Sample ids stand in the id column of a release.");
            var found = false;
            foreach (var trail in streams)
            {
                var replayed = await deployment.Get<SampleReplay>().OfAsync(trail.Stream, version, time, ct);
                if (replayed is null) continue;
                found = true;
                if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(replayed, EventJson.Options));
                else Print(replayed);
            }

            return found ? ExitCodes.Ok : throw new UsageException($"Sample {sample} was not there yet at {result.GetValue(at)}. 'xinstruct audit show {sample}' says when it came.");
        });
        return command.WithExamples("xinstruct audit replay 5d0c4a3e-8a52-5b5e-9c1b-2f6d0a4f1e77 --at 3", "xinstruct audit replay 5d0c4a3e-8a52-5b5e-9c1b-2f6d0a4f1e77 --at 2026-11-22T01:30:00Z --json");
    }

    private static (long? Version, DateTimeOffset? Time) Point(string? text)
    {
        if (text is null) return (null, null);
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var version) && version > 0) return (version, null);
        return (null, CommonOptions.ParseTime(text) ?? throw new UsageException($"'{text}' is neither a version, from 1, nor a time as 2026-11-22T01:30:00Z."));
    }

    private static Command Verify()
    {
        var run = new Argument<string?>("run") { Description = "Id of a run, a training or a job; without it, all of them.", Arity = ArgumentArity.ZeroOrOne };
        var bundle = new Option<string?>("--bundle") { Description = "A file that 'audit export' wrote, instead of the store: neither PostgreSQL nor any other file is needed." };
        var command = new Command("verify", "Recomputes hash chains, contents, Merkle roots and release files, and names any changed byte's place.") { run, bundle };
        command.SetAction(async (result, ct) =>
        {
            if (result.GetValue(bundle) is { } file) return await VerifyBundleAsync(result, file, ct);
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
        return command.WithExamples("xinstruct audit verify", "xinstruct audit verify demo-1a2b3c4d --json", "xinstruct audit verify --bundle demo-1a2b3c4d.tar");
    }

    private static async Task<int> VerifyBundleAsync(ParseResult result, string file, CancellationToken ct)
    {
        var (report, card) = await BundleVerifier.VerifyAsync(Path.GetFullPath(file), ct);
        if (result.GetValue(CommonOptions.Json))
        {
            Console.WriteLine(JsonSerializer.Serialize(new { report.Run, report.Events, report.Streams, report.Contents, report.Files, card?.Release, report.Findings }, EventJson.Options));
        }
        else
        {
            Print(report);
            if (report.IsClean && card?.Release is { } release) Console.WriteLine($"release {release}: compare it with the one that was published, which no file can vouch for by itself");
        }

        return report.IsClean ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static Command Export()
    {
        var run = new Argument<string>("run") { Description = "Id of a run, a training or a job." };
        var file = new Argument<string>("file") { Description = "The bundle to write, a tar." };
        var command = new Command("export", "Verifies a run and writes its events, contents and release into one file, which 'audit verify --bundle' verifies without PostgreSQL on any machine.") { run, file };
        command.SetAction(async (result, ct) =>
        {
            var path = Path.GetFullPath(result.GetValue(file)!);
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var (report, card) = await deployment.Get<AuditBundle>().WriteAsync(result.GetValue(run)!, path, ct);
            if (report.Events == 0) throw new UsageException($"There is no run {report.Run}. 'xinstruct status' lists the runs.");
            if (card is null)
            {
                Print(report);
                Console.Error.WriteLine("Nothing is written: a bundle of what is not whole would prove nothing.");
                return ExitCodes.Failed;
            }

            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(new { Path = path, card.Run, card.Events, card.Streams, card.Contents, card.Release, card.Entries }, EventJson.Options));
            else Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {card.Events:N0} events in {card.Streams:N0} streams, {card.Contents:N0} contents, release {card.Release ?? "none yet"}"));
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct audit export demo-1a2b3c4d demo-1a2b3c4d.tar");
    }

    private static void Print(AuditReport report)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Run}: {report.Events:N0} events in {report.Streams:N0} streams, {report.Contents:N0} contents, {report.Files} files: {(report.IsClean ? "all hashes agree" : $"{report.Findings.Count} findings")}"));
        foreach (var finding in report.Findings) Console.WriteLine($"  {finding.Place}: {finding.Problem}");
    }

    private static void Print(Replayed replayed)
    {
        var state = replayed.State;
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn(new GridColumn().PadRight(0));
        AnsiConsole.MarkupLineInterpolated($"sample [bold]{replayed.Sample}[/]");
        AnsiConsole.MarkupLineInterpolated($"run {replayed.Run}, version {replayed.Version} of {replayed.Last}, {replayed.Type}, {replayed.At:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}");
        Row("text", replayed.Text ?? "withdrawn");
        Row("instruction", state.Instruction is null ? "none yet" : replayed.Instruction ?? "withdrawn");
        if (state.Generated >= 0) Row("written", $"in iteration {state.Generated}");
        if (state.Failure is not null) Row("failed", state.Failure);
        if (state.Level is not null) Row("rated", string.Create(CultureInfo.InvariantCulture, $"level {state.Level} in iteration {state.Rated}, probabilities {string.Join(' ', (state.Probabilities ?? []).Select(p => p.ToString(CultureInfo.InvariantCulture)))}"));
        foreach (var second in state.Rerated ?? [])
            Row("rated again", $"{(second.Level is { } level ? $"level {level}" : second.Reason)} by {second.Judge}, job {second.Job}{(second.Pair == state.Instruction ? "" : ", of an earlier instruction")}");
        if (state.Kept is not null) Row("kept", $"in iteration {state.Kept}, rank {state.KeptRank}");
        if (state.Rejected is not null) Row("rejected", state.Rejected);
        if (state.Cluster is not null) Row("selected", $"cluster {state.Cluster}, rank {state.ClusterRank}");
        AnsiConsole.Write(grid);

        void Row(string name, string value) => grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(TerminalText.Clean(value)));
    }
}
