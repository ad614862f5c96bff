using System.Diagnostics;
using System.Text.Json;

namespace XInstruct.Cli.Chaos;

/// <summary>A process of this program, on a scratch store.</summary>
internal sealed class Child : IDisposable
{
    /// <summary>What a shell says of a process that SIGKILL ended.</summary>
    private const int Killed = 128 + 9;

    private readonly Process _process;
    private readonly Task<string> _said, _errors;
    private readonly CancellationTokenRegistration _end;

    /// <summary>Starts it.</summary>
    /// <param name="store">Where it works.</param>
    /// <param name="relay">Its way to PostgreSQL.</param>
    /// <param name="command">Its arguments.</param>
    /// <param name="keys">Environment variables that must hold something.</param>
    /// <param name="ordeal">What it is to suffer; null for nothing.</param>
    /// <param name="ct">Kills it.</param>
    public Child(ScratchStore store, PostgresRelay relay, IReadOnlyList<string> command, IReadOnlyList<string> keys, Ordeal? ordeal, CancellationToken ct)
    {
        // Without a launcher of its own the program is an argument of dotnet.
        var isHosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. isHosted ? new[] { Path.Combine(AppContext.BaseDirectory, "xinstruct.dll") } : [], .. command])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in store.Variables(relay)) start.Environment[name] = value;
        foreach (var key in keys) start.Environment[key] = "made-up";
        if (ordeal is not null) start.Environment[ChaosAgent.Variable] = JsonSerializer.Serialize(ordeal);
        _process = Process.Start(start)!;
        (_said, _errors) = (_process.StandardOutput.ReadToEndAsync(CancellationToken.None), _process.StandardError.ReadToEndAsync(CancellationToken.None));
        _end = ct.Register(Kill);
    }

    /// <summary>What it ended with.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Whether SIGKILL ended it.</summary>
    public bool WasKilled => ExitCode == Killed;

    /// <summary>The last line that it printed.</summary>
    public string LastLine { get; private set; } = "";

    /// <summary>The end of what it complained about.</summary>
    public string LastWords { get; private set; } = "";

    /// <summary>Waits for its end.</summary>
    public async Task EndAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        LastLine = (await _said).TrimEnd().Split('\n')[^1];
        LastWords = await _errors is var errors && errors.Length > 2000 ? errors[^2000..] : errors.TrimEnd();
    }

    /// <summary>SIGKILL: it gets to tidy nothing up.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It was quicker.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Dispose();
        Kill();
        _process.Dispose();
    }
}
