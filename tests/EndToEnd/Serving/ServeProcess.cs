using System.Diagnostics;
using System.Text.Json;

namespace XInstruct.EndToEnd.Serving;

/// <summary><c>xinstruct serve</c> on a port of its own.</summary>
internal sealed class ServeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private ServeProcess(Process process, Task<string> error, JsonElement said) => (_process, _error, Said) = (process, error, said);

    /// <summary>Its first line.</summary>
    public JsonElement Said { get; }

    /// <summary>Address up to and with the version.</summary>
    public string BaseUrl => Said.GetProperty("baseUrl").GetString()!;

    /// <summary>What it wrote to the standard error; known when it ended.</summary>
    public Task<string> Error => _error;

    /// <summary>Starts it and waits until it takes requests.</summary>
    public static Task<ServeProcess> StartAsync(string home, params string[] args) => StartAsync(home, ProductProcess.Program, ["serve", .. args, "--port", "0", "--json"]);

    /// <summary>The same for a line as a user types it.</summary>
    public static Task<ServeProcess> RunAsync(string home, string line)
    {
        // The process must be the server itself, for signals.
        var variables = line.StartsWith("SERVE_API_KEY=", StringComparison.Ordinal) ? line[..line.IndexOf(' ', StringComparison.Ordinal)] : "";
        return StartAsync(home, "bash", ["-c", $"{variables} exec {line[variables.Length..]} --port 0 --json"]);
    }

    private static async Task<ServeProcess> StartAsync(string home, string program, string[] args)
    {
        var start = new ProcessStartInfo(program, args)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = home,
        };
        start.Environment["XINSTRUCT_HOME"] = home;
        var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var line = await process.StandardOutput.ReadLineAsync();
        return line is null ? throw new InvalidOperationException(await error) : new ServeProcess(process, error, JsonDocument.Parse(line).RootElement);
    }

    /// <summary>Somebody who asks, past any proxy.</summary>
    public HttpClient Client() => new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri(BaseUrl + "/") };

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => ProductProcess.Signal(_process, signal);

    /// <summary>Its exit code.</summary>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        await _error;
        _process.Dispose();
    }
}
