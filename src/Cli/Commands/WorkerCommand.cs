using System.CommandLine;
using XInstruct.Cli.Hosting;
using XInstruct.Workflows;

namespace XInstruct.Cli.Commands;

/// <summary><c>worker</c>: works on whatever runs there are, until it is stopped.</summary>
internal static class WorkerCommand
{
    public static Command Create()
    {
        var queues = new Option<string[]>("--queues") { Description = "Task queues to serve: xi-cpu, xi-gpu, xi-api.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. TaskQueues.All] };
        queues.AcceptOnlyFromAmong([.. TaskQueues.All]);
        var command = new Command("worker", "Serves task queues until it is stopped. Any number of workers share the runs.") { queues };
        command.SetAction(async (result, ct) =>
        {
            await using var deployment = await Deployment.OpenAsync(CommonOptions.Deployment(result), ct);
            var served = result.GetValue(queues)!;
            Console.WriteLine($"Worker serves {string.Join(", ", served)}. Ctrl-C stops it.");
            try
            {
                await deployment.RunWorkersAsync(served, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                // Being stopped is how a worker ends.
            }

            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct worker", "xinstruct worker --queues xi-gpu", "OPENAI_API_KEY=… xinstruct worker --queues xi-api");
    }
}
