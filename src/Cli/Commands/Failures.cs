using System.Text.Json;
using System.Text.Json.Nodes;
using Temporalio.Exceptions;
using XInstruct.Activities.Audit;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Serving;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Tasks;
using XInstruct.Training.Chat;
using XInstruct.Workflows;

namespace XInstruct.Cli.Commands;

/// <summary>Turns what went wrong into a sentence and an exit code.</summary>
internal static class Failures
{
    /// <summary>A run that failed.</summary>
    public static int Say(string run, WorkflowFailedException failure, bool json, string what = "Run")
    {
        var causes = Causes(failure.InnerException).ToList();
        var root = causes.LastOrDefault();
        var message = root?.Message ?? failure.Message;
        var canceled = causes.Any(c => c is CanceledFailureException or TerminatedFailureException);
        var status = canceled ? "canceled" : "failed";
        if (json) Console.WriteLine(JsonSerializer.Serialize(new JsonObject { [what.ToLowerInvariant()] = run, ["status"] = status, ["error"] = message }, EventJson.Options));
        else Console.Error.WriteLine($"{what} {run} {status}: {message}");
        // Such a failure may wrap the exception that it stands for.
        var isBadInput = causes.OfType<ApplicationFailureException>().Any(f => f.ErrorType is FailureTypes.BadInput or FailureTypes.TooManyBadRows or FailureTypes.NothingLeft);
        return isBadInput ? ExitCodes.BadInput : ExitCodes.Failed;
    }

    /// <summary>What is wrong and stops nothing, a line each.</summary>
    public static void Warn(IEnumerable<RecipeProblem> warnings)
    {
        foreach (var warning in warnings) Console.Error.WriteLine($"warning: {TerminalText.Clean(warning.ToString())}");
    }

    /// <summary>Anything that a command let through.</summary>
    public static int Say(Exception e)
    {
        switch (e)
        {
            case RecipeException recipe:
                foreach (var problem in recipe.Problems) Console.Error.WriteLine(TerminalText.Clean(problem.ToString()));
                return ExitCodes.BadInput;
            case InputsChangedException or RecipeChangedException or FileNotFoundException or DirectoryNotFoundException or UsageException or ExportException or ChatTemplateException or ModelFolderException or JobOutputException or AddressException or MergeException or TaskRegistryException or UnsealedException or ForkException:
            case Exception when BadInput.IsIn(e):
                Console.Error.WriteLine(e.Message);
                return ExitCodes.BadInput;
            case MissingComponentException:
                Console.Error.WriteLine(e.Message);
                return ExitCodes.MissingComponent;
            case Exception when Outage.IsAway(e):
                Serilog.Log.Error(e, "PostgreSQL is away");
                Console.Error.WriteLine($"PostgreSQL went away: {e.Message} What was committed is safe; when it is back the same command goes on.");
                return ExitCodes.MissingComponent;
            case RpcException { Code: RpcException.StatusCode.DeadlineExceeded }:
                Serilog.Log.Error(e, "No answer in time");
                Console.Error.WriteLine("No worker answered in time, or Temporal did not. 'xinstruct status' says whether a worker is up and what it waits for; then give the same command again.");
                return ExitCodes.MissingComponent;
            case OperationCanceledException:
                return ExitCodes.Interrupted;
            case TamperedException:
                Console.Error.WriteLine(e.Message);
                return ExitCodes.Failed;
            default:
                Serilog.Log.Error(e, "Command failed");
                Console.Error.WriteLine($"{e.GetType().Name}: {e.Message}");
                Console.Error.WriteLine("The log under the home directory has the whole story; --verbose shows it.");
                return ExitCodes.Failed;
        }
    }

    private static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException) yield return e;
    }
}

/// <summary>A command was asked for something that is not there. Exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
