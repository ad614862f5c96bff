using System.CommandLine;
using System.Text.Json;
using XInstruct.Cli.Chaos;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;

namespace XInstruct.Cli.Commands;

/// <summary><c>chaos</c>: kills a recipe's runs in the worst places and proves that nothing is lost, duplicated or paid twice.</summary>
internal static class ChaosCommand
{
    /// <summary>Its name: it tidies up when it is interrupted.</summary>
    public const string Name = "chaos";

    public static Command Create()
    {
        var recipe = new Argument<string>("recipe") { Description = "Recipe file (YAML). Its endpoints are not asked: made-up replies take their place, and nothing is paid." };
        var set = new Option<string[]>("--set") { Description = "Override a recipe key. May be given more than once." };
        var kills = new Option<int>("--kills") { Description = "SIGKILLs, in as many runs as that takes.", DefaultValueFactory = _ => 15 };
        var seed = new Option<int>("--seed") { Description = "Seed of what goes wrong where. Which processes meet which of it depends on the machine too.", DefaultValueFactory = _ => 1 };
        var workers = new Option<int>("--workers") { Description = "Worker processes beside the run's own; they are killed too.", DefaultValueFactory = _ => 1 };
        var faults = new Option<double>("--faults") { Description = "Share of prompts whose first reply goes wrong (429, 500, cut, lost after the work, slow), and of files that are slow to write.", DefaultValueFactory = _ => 0.05 };
        var losses = new Option<double>("--lost-answers") { Description = "Share of PostgreSQL's writes and commits after which the connection breaks before the answer comes: nobody knows whether it is done.", DefaultValueFactory = _ => 0.002 };
        var outages = new Option<double>("--outage-every") { Description = "Seconds between two outages, on average: connections are cut, or PostgreSQL seems away for one or two seconds; nobody else feels it. 0 is never.", DefaultValueFactory = _ => 5 };
        var restart = new Option<string?>("--restart-postgres") { Description = "Shell command that restarts PostgreSQL, as a third kind of outage. Everybody who uses that server feels it." };
        var output = new Option<string?>("--output") { Description = "Also write the certificate to this file, as JSON." };
        kills.Validators.Add(r => Check(r.Tokens.Count == 0 || r.GetValueOrDefault<int>() is >= 1 and <= 100_000, "--kills must be 1 to 100000.", r));
        workers.Validators.Add(r => Check(r.Tokens.Count == 0 || r.GetValueOrDefault<int>() is >= 0 and <= 64, "--workers must be 0 to 64.", r));
        faults.Validators.Add(r => Check(r.Tokens.Count == 0 || r.GetValueOrDefault<double>() is >= 0 and <= 1, "--faults must be a share from 0 to 1.", r));
        losses.Validators.Add(r => Check(r.Tokens.Count == 0 || r.GetValueOrDefault<double>() is >= 0 and <= 0.2, "--lost-answers must be a share from 0 to 0.2.", r));
        outages.Validators.Add(r => Check(r.Tokens.Count == 0 || r.GetValueOrDefault<double>() is >= 0 and <= 86_400, "--outage-every must be 0 to 86400 seconds.", r));
        var command = new Command(Name, "Runs a recipe with seeded kills and faults, in databases of its own on your PostgreSQL, and compares with an undisturbed run: no event lost or duplicated, the same release, nothing paid twice but calls under way. Prints a certificate; exit code 1 when it is not clean.")
        {
            recipe, set, kills, seed, workers, faults, losses, outages, restart, output,
        };
        command.SetAction(async (result, ct) =>
        {
            var deployment = CommonOptions.Deployment(result);
            if (deployment.IsCluster) throw new UsageException("chaos needs an engine of its own, and so runs on the embedded one only. Leave --temporal, --profile and TEMPORAL_PROFILE out.");
            var json = result.GetValue(CommonOptions.Json);
            var options = new StormOptions(
                result.GetValue(recipe)!,
                result.GetValue(set) ?? [],
                deployment.Postgres ?? throw new MissingComponentException("No PostgreSQL is named. Start xinstruct by its launcher './xinstruct', or give --postgres 'Host=…;Database=…' or XINSTRUCT_POSTGRES."),
                deployment.Home,
                result.GetValue(seed),
                result.GetValue(kills),
                result.GetValue(workers),
                result.GetValue(faults),
                result.GetValue(losses),
                result.GetValue(outages),
                result.GetValue(restart));
            using var signals = new StopSignals(() => Say("Stopping. What chaos made is removed; another signal quits at once."), ct);
            await using var storm = new Storm(options, Say);
            var certificate = await storm.RunAsync(signals.Token);
            if (result.GetValue(output) is { } file) await File.WriteAllTextAsync(file, JsonSerializer.Serialize(certificate, EventJson.Indented) + "\n", ct);
            Console.WriteLine(json ? JsonSerializer.Serialize(certificate, EventJson.Options) : certificate.ToString());
            return certificate.IsClean ? ExitCodes.Ok : ExitCodes.Failed;

            void Say(string what)
            {
                if (json) Console.WriteLine(JsonSerializer.Serialize(new { Event = "chaos", Text = what }, EventJson.Options));
                else Console.WriteLine(what);
            }
        });
        return command.WithExamples("xinstruct chaos samples/recipes/chaos.yaml", "xinstruct chaos my.yaml --kills 200 --seed 1 --output certificate.json", "xinstruct chaos my.yaml --restart-postgres 'sudo systemctl restart postgresql' --json | tail -1");
    }

    private static void Check(bool isGood, string message, System.CommandLine.Parsing.OptionResult result)
    {
        if (!isGood) result.AddError(message);
    }
}
