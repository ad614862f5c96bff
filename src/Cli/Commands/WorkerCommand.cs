using System.CommandLine;
using System.Net;
using XInstruct.Activities.Serving;
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
        var metrics = new Option<string?>("--metrics") { Description = "Tell how this worker is at ADDRESS:PORT (port 0: any that is free): /health, /ready, and /metrics for Prometheus. Other than this machine's own address only with --token-env." };
        var token = new Option<string?>("--token-env") { Description = "Environment variable with the key that whoever asks for /metrics must send (Authorization: Bearer); its name ends in _API_KEY." };
        var allowed = new Option<string[]>("--allowed-host") { Description = "A name that this worker may be called by at --metrics, beside addresses, localhost and the machine's name." };
        var command = new Command(Name, "Serves task queues until it is stopped. Any number of workers share the runs.") { queues, drain, build, metrics, token, allowed };
        command.SetAction(async (result, ct) =>
        {
            var seconds = result.GetValue(drain);
            using var signals = new StopSignals(() => Console.WriteLine($"Worker takes no more work. What is in flight may go on for {seconds} s; another signal quits at once."), ct);
            var (options, id) = (CommonOptions.Deployment(result), result.GetValue(build));
            if (id is not null && !options.IsCluster) throw new UsageException("--build-id needs a Temporal cluster (--temporal or --profile); the embedded engine has one version.");
            var place = Place(result.GetValue(metrics), result.GetValue(token), result.GetValue(allowed) ?? []);
            await using var deployment = await Deployment.OpenAsync(options, signals.Token);
            var served = result.GetValue(queues)!;
            await using var monitor = place is null ? null : await deployment.MonitorAsync(served, place, signals.Token);
            await using var draining = signals.Token.Register(() =>
            {
                if (monitor is not null) monitor.IsDraining = true;
            });
            if (monitor is not null) Console.WriteLine($"Worker tells how it is at {monitor.Address}metrics, /health and /ready.");
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
        return command.WithExamples("xinstruct worker", "xinstruct worker --queues xi-gpu --drain 600", "OPENAI_API_KEY=… xinstruct worker --queues xi-api", "xinstruct worker --metrics 127.0.0.1:9464", "xinstruct worker --profile production --build-id $(git rev-parse --short HEAD)");
    }

    /// <summary>Where a worker tells how it is, and to whom.</summary>
    private static ServingOptions? Place(string? text, string? variable, IReadOnlyList<string> hosts)
    {
        if (text is null) return null;
        // An address without a port would parse as well, with port 0.
        if (!IPEndPoint.TryParse(text.Replace("localhost:", "127.0.0.1:", StringComparison.Ordinal), out var place) || !text.Contains(':')) throw new UsageException($"--metrics {text}: an address and a port, such as 127.0.0.1:9464.");
        var token = ServeCommand.Token(variable);
        if (token is null && !IPAddress.IsLoopback(place.Address)) throw new UsageException($"--metrics {text} would tell other machines without a key. Put one into an environment variable and name it: --token-env METRICS_API_KEY.");
        return new ServingOptions { Address = place.Address, Port = place.Port, Token = token, AllowedHosts = hosts, Drain = TimeSpan.FromSeconds(1) };
    }
}
