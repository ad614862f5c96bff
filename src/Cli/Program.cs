using System.CommandLine;
using Spectre.Console;
using XInstruct.Activities.Storage;
using XInstruct.Cli;
using XInstruct.Cli.Chaos;
using XInstruct.Cli.Commands;
using XInstruct.Cli.Hosting;

if (Console.IsOutputRedirected)
{
    // A pipe has no edge at which paths must be broken, and no links.
    AnsiConsole.Profile.Width = 1000;
    AnsiConsole.Profile.Capabilities.Ansi = AnsiConsole.Profile.Capabilities.Links = false;
}

// When a handshake breaks, Npgsql 10.0.0 tries again without GSS encryption on a connector that is half disposed of, and its pool keeps that one: each later use
// throws an ObjectDisposedException (npgsql/npgsql#6415). Whoever wants GSS says so.
if (Environment.GetEnvironmentVariable("PGGSSENCMODE") is null) Environment.SetEnvironmentVariable("PGGSSENCMODE", "disable");
ChaosAgent.Attach();
var root = new RootCommand(
    "XInstruct makes cross-lingual instruction-tuning data and trains models on it. Runs are durable: kill them, start them again, nothing is lost or paid twice.");
foreach (var option in CommonOptions.All) root.Options.Add(option);
root.Subcommands.Add(RunCommand.Demo());
root.Subcommands.Add(RunCommand.Run());
root.Subcommands.Add(RunCommand.Fork());
root.Subcommands.Add(RecipeCommand.Create());
root.Subcommands.Add(TrainCommand.Create());
root.Subcommands.Add(MergeCommand.Create());
root.Subcommands.Add(ChainCommand.Create());
foreach (var job in JobCommand.All()) root.Subcommands.Add(job);
root.Subcommands.Add(StatusCommand.Status());
root.Subcommands.Add(StatusCommand.Watch());
foreach (var command in SteerCommands.All()) root.Subcommands.Add(command);
foreach (var command in VerdictCommands.All()) root.Subcommands.Add(command);
root.Subcommands.Add(WorkerCommand.Create());
root.Subcommands.Add(AuditCommand.Create());
root.Subcommands.Add(ReleaseCommand.Create());
root.Subcommands.Add(ReportCommand.Create());
root.Subcommands.Add(ExportCommand.Create());
root.Subcommands.Add(TokenizeCommand.Create());
root.Subcommands.Add(DataCommand.Create());
root.Subcommands.Add(ServeCommand.Create());
root.Subcommands.Add(ChatCommand.Create());
root.Subcommands.Add(GenerateCommand.Create());
root.Subcommands.Add(ScoreCommand.Create());
root.Subcommands.Add(ChaosCommand.Create());
root.Subcommands.Add(DoctorCommand.Create());
root.Subcommands.Add(new Command("down", "Stops what XInstruct left running here. The launcher './xinstruct' does it; --purge also removes .xinstruct."));

var parsed = root.Parse(args);
if (parsed.Errors.Count > 0 && args.Length > 0)
{
    foreach (var error in parsed.Errors) Console.Error.WriteLine(error.Message);
    Console.Error.WriteLine($"'xinstruct {string.Join(' ', args.TakeWhile(a => !a.StartsWith('-')).Take(1))} --help' shows what is allowed.");
    return ExitCodes.BadInput;
}

try
{
    var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
    // A worker or server may take long to end in order, and chaos removes its databases.
    if (parsed.CommandResult.Command.Name is WorkerCommand.Name or ServeCommand.Name or ChatCommand.Name or ChaosCommand.Name) invocation.ProcessTerminationTimeout = null;
    try
    {
        return await parsed.InvokeAsync(invocation);
    }
    catch (Exception e) when (e is not MissingComponentException && Outage.IsAway(e) && GoesOn(parsed))
    {
        // Most of what such a command does waits for PostgreSQL by itself; the rest must not end a night's work either.
        Serilog.Log.Warning(e, "PostgreSQL went away");
        Console.Error.WriteLine($"PostgreSQL went away: {e.Message} What was committed is safe; going on when it is back.");
        return await Outage.OutlastAsync(() => parsed.InvokeAsync(invocation), CancellationToken.None);
    }
}
catch (Exception e) when (e is not OutOfMemoryException)
{
    return Failures.Say(e);
}

// Whether the same command, told again, goes on where it was.
static bool GoesOn(ParseResult parsed) => !RunCommand.IsNew(parsed) && parsed.CommandResult.Command is var command
    && (command.Options.Contains(RecipeWork.Check) || command.Name is RunCommand.Name or RunCommand.DemoName or WorkerCommand.Name);
