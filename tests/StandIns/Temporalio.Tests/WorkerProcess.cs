using System.Diagnostics;
using Temporalio.Activities;
using Temporalio.Client;
using Temporalio.Worker;

namespace Temporalio.Tests;

/// <summary>A worker in a process of its own, so that a test can kill it.</summary>
public static class WorkerProcess
{
    private const string Counting = "counting";

    public static async Task Main(string[] args)
    {
        var client = await TemporalClient.ConnectAsync(new(args[0]));
        using var worker = new TemporalWorker(
            client, new TemporalWorkerOptions(args[1]).AddWorkflow<SteppingWorkflow>().AddWorkflow<CountingWorkflow>().AddWorkflow<RarelyBeatingWorkflow>()
                .AddAllActivities(new GreetingActivities()).AddAllActivities(new CountingActivities { Begun = () => Console.WriteLine(Counting), LoseFirst = true }));
        await worker.ExecuteAsync(CancellationToken.None);
    }

    /// <summary>Starts the process and waits until so many counting activities run in it.</summary>
    public static async Task<Process> StartAsync(ITemporalClient client, string queue, int activities)
    {
        var start = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true };
        start.ArgumentList.Add(typeof(WorkerProcess).Assembly.Location);
        start.ArgumentList.Add(client.Connection.Options.TargetHost!);
        start.ArgumentList.Add(queue);
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == Counting && --activities == 0)
            {
                return process;
            }
        }
        throw new InvalidOperationException("The worker process ended before it worked.");
    }
}
