using System.CommandLine;
using XInstruct.Cli.Hosting;
using XInstruct.Workflows;

namespace XInstruct.Cli.Commands;

/// <summary><c>worker</c>: works on whatever runs there are, until it is stopped.</summary>
internal static class WorkerCommand
{
    /// <summary>Its name: it handles its signals itself.</summary>
    public const string Name = "worker";

    private const int LongestDrain = 86_400;

    public static Command Create()
    {
        var queues = new Option<string[]>("--queues") { Description = "Task queues to serve: xi-cpu, xi-gpu, xi-api.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. TaskQueues.All] };
        queues.AcceptOnlyFromAmong([.. TaskQueues.All]);
        var drain = new Option<int>("--drain") { Description = "Seconds that work in flight may go on after SIGTERM or Ctrl-C; then it is cancelled and another worker begins it again. A second signal quits at once.", DefaultValueFactory = _ => 30 };
        drain.Validators.Add(r =>
        {
            if (r.Tokens.Count > 0 && (!int.TryParse(r.Tokens[0].Value, out var seconds) || seconds is < 0 or > LongestDrain)) r.AddError($"--drain must be a whole number of seconds from 0 to {LongestDrain}.");
        });
        var build = new Option<string?>("--build-id")
        {
            Description = "Register as this version with the cluster, which then keeps each run on the version that began it. Default: $XINSTRUCT_BUILD_ID.",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("XINSTRUCT_BUILD_ID") is { Length: > 0 } id ? id : null,
        };
        var command = new Command(Name, "Serves task queues until it is stopped. Any number of workers share the runs.") { queues, drain, build };
        command.SetAction(async (result, ct) =>
        {
            var seconds = result.GetValue(drain);
            using var signals = new StopSignals(() => Console.WriteLine($"Worker takes no more work. What is in flight may go on for {seconds} s; another signal quits at once."), ct);
            var (options, id) = (CommonOptions.Deployment(result), result.GetValue(build));
            if (id is not null && !options.IsCluster) throw new UsageException("--build-id needs a Temporal cluster (--temporal or --profile); the embedded engine has one version.");
            await using var deployment = await Deployment.OpenAsync(options, signals.Token);
            var served = result.GetValue(queues)!;
            Console.WriteLine($"Worker serves {string.Join(", ", served)}. Ctrl-C stops it.");
            try
            {
                await deployment.RunWorkersAsync(served, TimeSpan.FromSeconds(seconds), id, signals.Token);
            }
            catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
            {
                // Being stopped is how a worker ends.
            }

            return ExitCodes.Ok;
        });
        return command.WithExamples("xinstruct worker", "xinstruct worker --queues xi-gpu --drain 600", "OPENAI_API_KEY=… xinstruct worker --queues xi-api", "xinstruct worker --profile production --build-id $(git rev-parse --short HEAD)");
    }
}
