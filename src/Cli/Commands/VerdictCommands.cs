using System.CommandLine;
using System.Text.Json;
using Spectre.Console;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Cli.Commands;

/// <summary><c>approve</c>, <c>reject</c> and <c>retry</c>: what a human says of an iteration, and of what failed in it.</summary>
internal static class VerdictCommands
{
    private static readonly Option<int?> Iteration = new("--iteration") { Description = "The iteration; default: the one that waits." };
    private static readonly Option<string?> Reason = new("--reason") { Description = "Only what failed for this reason; without it the reasons are listed." };
    private static readonly Option<string?> Stage = new("--stage") { Description = "Only what failed in this stage: generate or rate." };
    private static readonly Option<string?> Language = new("--language") { Description = "Only of this language." };
    private static readonly Option<bool> Any = new("--all") { Description = "Whatever the reason." };

    public static IEnumerable<Command> All()
    {
        yield return Verdict("approve", "Lets a run go on with the iteration that waits (refine.approve: true).", isApproved: true);
        yield return Verdict("reject", "Undoes the iteration that waits, ends the loop and goes on with the iteration before it.", isApproved: false);
        yield return Retry();
    }

    private static Command Verdict(string name, string description, bool isApproved)
    {
        var subject = new Argument<string>("run") { Description = "Run id." };
        var command = new Command(name, description) { subject, Iteration, SteerCommands.Why };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var id = result.GetValue(subject)!;
            var input = new VerdictInput(Environment.UserName, result.GetValue(SteerCommands.Why), isApproved, result.GetValue(Iteration));
            var decided = await SteerCommands.TryAsync(id, () => deployment.Client.GetWorkflowHandle<XInstructionWorkflow>(id).ExecuteUpdateAsync(w => w.DecideAsync(input)));
            Console.WriteLine(result.GetValue(CommonOptions.Json)
                ? JsonSerializer.Serialize(new { Run = id, Iteration = decided, IsApproved = isApproved }, EventJson.Options)
                : $"Run {id}: iteration {decided} {(isApproved ? "approved" : $"rejected; the run goes on with iteration {decided - 1}")}.");
            return ExitCodes.Ok;
        });
        return command.WithExamples($"xinstruct {name} demo-1a2b3c4d --why \"read 50 pairs\"", $"xinstruct {name} demo-1a2b3c4d --iteration 1");
    }

    private static Command Retry()
    {
        var subject = new Argument<string>("run") { Description = "Run id." };
        var command = new Command("retry", "Tries failed samples again, by reason, before their iteration keeps any; the first failure stays in the history.") { subject, Reason, Stage, Language, Any, SteerCommands.Why };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var (id, json, reason) = (result.GetValue(subject)!, result.GetValue(CommonOptions.Json), result.GetValue(Reason));
            var run = await deployment.Get<RunReader>().FindAsync(id, ct) ?? throw new UsageException($"There is no run {id}. 'xinstruct status' lists the runs.");
            var failures = await deployment.Get<FailureReader>().ReadAsync(id, ct);
            if (reason is null && !result.GetValue(Any)) return List(id, failures, json);
            if (reason is not null && failures.All(f => f.Reason != reason))
                throw new UsageException($"Nothing in run {id} failed for '{reason}'. {(failures.Count == 0 ? "Nothing failed at all." : $"Reasons: {string.Join(", ", failures.Select(f => f.Reason).Distinct())}.")}");
            var input = new RetryInput(Environment.UserName, result.GetValue(SteerCommands.Why), reason, result.GetValue(Stage), result.GetValue(Language));
            var samples = await RetryAsync(deployment, run, input, ct);
            Console.WriteLine(json ? JsonSerializer.Serialize(new { Run = id, Samples = samples }, EventJson.Options) : $"Run {id}: {samples} samples are tried again.");
            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct retry swahili-1a2b3c4d", "xinstruct retry swahili-1a2b3c4d --reason timeout", "xinstruct retry swahili-1a2b3c4d --all --language sw --stage generate");
    }

    private static int List(string run, IReadOnlyList<FailureCount> failures, bool json)
    {
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { Run = run, Failures = failures }, EventJson.Options));
        else if (failures.Count == 0) Console.WriteLine($"Nothing failed in run {run}.");
        else
        {
            var table = new Table().Border(TableBorder.Rounded).AddColumns("stage", "language", "reason", "samples", "tried again before");
            foreach (var f in failures) table.AddRow(f.Stage, f.Language, Markup.Escape(f.Reason), $"{f.Samples}", $"{f.TriedAgain}");
            AnsiConsole.Write(table);
            Console.WriteLine($"Name a reason: xinstruct retry {run} --reason {failures[0].Reason}; or take them --all.");
        }

        return ExitCodes.Ok;
    }

    private static async Task<int> RetryAsync(Deployment deployment, Run run, RetryInput input, CancellationToken ct)
    {
        if (run.Release is not null) throw new UsageException($"The release of run {run.Name} is sealed, and stays what it is. A run of its own can try again: xinstruct fork {run.Name} RECIPE --from generate");
        try
        {
            return await deployment.Client.GetWorkflowHandle<XInstructionWorkflow>(run.Name).ExecuteUpdateAsync(w => w.RetryAsync(input));
        }
        catch (WorkflowUpdateFailedException e)
        {
            throw new UsageException(e.InnerException?.Message ?? e.Message);
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            // It stopped, for instance on its budget: its next start finds them open.
            var iteration = run.Iterations.Count;
            return await deployment.Get<RunSteering>().ReopenAsync(new RunInput(run.Name, run.Recipe), input.Event(iteration, Guid.NewGuid().ToString()), _ => { }, ct);
        }
    }
}
