using System.CommandLine;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Cli.Hosting;
using XInstruct.Workflows.Runs;

namespace XInstruct.Cli.Commands;

/// <summary><c>pause</c>, <c>resume</c>, <c>cancel</c>: each is an audited event with who and why.</summary>
internal static class SteerCommands
{
    private static readonly Option<string?> Why = new("--why") { Description = "Why, for the audit trail." };

    public static IEnumerable<Command> All()
    {
        yield return Create("pause", "Holds back new work of a run; what is in flight ends.", (handle, input) => handle.ExecuteUpdateAsync(w => w.PauseAsync(input)), "paused");
        yield return Create("resume", "Lets a paused run go on.", (handle, input) => handle.ExecuteUpdateAsync(w => w.ResumeAsync(input)), "resumed");
        yield return Create("cancel", "Ends a run. Its events stay; 'run' with the same recipe goes on from them.", (handle, _) => handle.CancelAsync(), "asked to cancel");
    }

    private static Command Create(string name, string description, Func<WorkflowHandle<XInstructionWorkflow>, SteerInput, Task> steer, string done)
    {
        var run = new Argument<string>("run") { Description = "Run id." };
        var command = new Command(name, description) { run, Why };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var id = result.GetValue(run)!;
            try
            {
                await steer(deployment.Client.GetWorkflowHandle<XInstructionWorkflow>(id), new SteerInput(Environment.UserName, result.GetValue(Why)));
            }
            catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
            {
                throw new UsageException($"There is no run {id} under way. 'xinstruct status' lists the runs.");
            }
            catch (WorkflowUpdateFailedException e)
            {
                throw new UsageException(e.InnerException?.Message ?? e.Message);
            }

            Console.WriteLine($"Run {id} {done}.");
            return ExitCodes.Ok;
        });
        return command.WithExamples($"xinstruct {name} demo-1a2b3c4d --why \"the GPU is needed elsewhere\"");
    }
}
