using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Activities.Serving;
using XInstruct.Cli.Display;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Generation;

namespace XInstruct.Cli.Commands;

/// <summary><c>serve</c>: a local model behind the OpenAI API, until it is stopped.</summary>
internal static partial class ServeCommand
{
    /// <summary>Its name: it handles its signals itself.</summary>
    public const string Name = "serve";

    private const int MostPorts = 65_535;
    private const int LongestDrain = 86_400;

    public static Command Create()
    {
        var model = new ModelOptions();
        var defaults = new EngineOptions();
        var port = JobOptions.Number("--port", 8000, 0, MostPorts, "Port; 0 for any that is free.");
        var host = new Option<string>("--host") { Description = "Address to listen on. Other than this machine's own only with --token-env.", DefaultValueFactory = _ => "127.0.0.1" };
        var allowed = new Option<string[]>("--allowed-host") { Description = "A name that callers may call this server by, beside addresses, localhost and the machine's name." };
        var name = new Option<string?>("--name") { Description = "Name of the model in requests. Default: the folder's." };
        var token = new Option<string?>("--token-env") { Description = "Environment variable with the key that callers must send; its name ends in _API_KEY." };
        var rows = JobOptions.Number("--max-rows", defaults.MaxRows, 1, 4096, "Replies written at the same time; others wait.");
        var budget = JobOptions.Number("--token-budget", defaults.TokenBudget, 2, 1 << 20, "Tokens a step: one for each reply, the rest for prompts. Above --max-rows.");
        var prefixes = JobOptions.Number("--prefix-cache", defaults.PrefixCacheTokens, 0, 1 << 24, "Tokens of earlier prompts that are kept for prompts that begin alike; 0 keeps none.");
        var waiting = JobOptions.Number("--max-waiting", defaults.MaxWaiting, 1, 1 << 20, "Requests that may wait; one more is answered with 429.");
        var drain = JobOptions.Number("--drain", 30, 0, LongestDrain, "Seconds that replies under way may go on after Ctrl-C or SIGTERM. A second signal quits at once.");
        var command = new Command(Name, "Serves a local model by the OpenAI API: models, chat and plain completions, streaming, log-probabilities. Requests are worked on together.")
        {
            port, host, allowed, name, token, rows, budget, prefixes, waiting, drain,
        };
        model.AddTo(command);
        command.SetAction(async (result, ct) =>
        {
            var engine = defaults with { MaxRows = result.GetValue(rows), TokenBudget = result.GetValue(budget), MaxWaiting = result.GetValue(waiting), PrefixCacheTokens = result.GetValue(prefixes) };
            if (engine.TokenBudget <= engine.MaxRows) throw new UsageException($"--token-budget ({engine.TokenBudget}) must be above --max-rows ({engine.MaxRows}), or no prompt could enter.");
            var serving = new ServingOptions
            {
                Address = Address(result.GetValue(host)!, result.GetValue(token) is not null),
                Port = result.GetValue(port),
                Token = Token(result.GetValue(token)),
                AllowedHosts = result.GetValue(allowed) ?? [],
                Drain = TimeSpan.FromSeconds(result.GetValue(drain)),
            };
            await ServeAsync(model.Read(result, engine, result.GetValue(name)), serving, result, ct);
            return ExitCodes.Ok;
        });
        return command.WithExamples(
            "xinstruct serve models/tiny",
            "xinstruct serve models/base --adapter models/mine --name mine --port 8001",
            "SERVE_API_KEY=… xinstruct serve models/tiny --host 0.0.0.0 --token-env SERVE_API_KEY");
    }

    private static async Task ServeAsync(ModelHostOptions model, ServingOptions serving, ParseResult result, CancellationToken ct)
    {
        var isJson = result.GetValue(CommonOptions.Json);
        var deployment = CommonOptions.Deployment(result);
        using var loggers = Logging.Create(deployment);
        using var signals = new StopSignals(() => Console.Error.WriteLine($"No more requests are taken. Replies under way may go on for {serving.Drain.TotalSeconds} s; another signal quits at once."), ct);
        using var host = ModelHost.Load(model);
        await using var server = await ModelServer.StartAsync(host.Model, serving, loggers, signals.Token);
        if (host.Model.Chat.Note is { } note) Console.Error.WriteLine($"note: {note}");
        Say(host, server, isJson);
        await Task.Delay(Timeout.Infinite, signals.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await server.StopAsync();
        await Serilog.Log.CloseAndFlushAsync();
    }

    private static void Say(ModelHost host, ModelServer server, bool isJson)
    {
        var address = new Uri(server.Address, "v1");
        if (isJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new { Event = "serving", BaseUrl = address.ToString(), Model = host.Model.Name, host.Parameters, host.Bytes, host.Device, host.Model.Context }, EventJson.Options));
            return;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{address} serves {TerminalText.Clean(host.Model.Name)}: {host.Parameters / 1e6:F1} M parameters, {host.Bytes / 1e6:F1} MB on {host.Device}, {host.Model.Context} tokens of context. Ctrl-C stops it."));
    }

    private static IPAddress Address(string host, bool hasToken)
    {
        var address = host == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(host, out var parsed) ? parsed : throw new UsageException($"--host {host}: an address such as 127.0.0.1 or 0.0.0.0, or localhost.");
        return hasToken || IPAddress.IsLoopback(address) ? address : throw new UsageException(
            $"--host {host} would let other machines in without a key. Put one into an environment variable and name it: --token-env SERVE_API_KEY.");
    }

    /// <summary>The key that callers must send, from the variable that holds it.</summary>
    internal static string? Token(string? variable)
    {
        if (variable is null) return null;
        if (!KeyName().IsMatch(variable)) throw new UsageException($"--token-env {variable}: the name of the variable must end in _API_KEY.");
        return Environment.GetEnvironmentVariable(variable)?.Trim() is { Length: > 0 } token ? token : throw new UsageException($"The environment variable {variable} is not set. Put the key that callers must send into it.");
    }

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*_API_KEY$", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex KeyName();
}
