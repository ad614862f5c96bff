using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace XInstruct.Benchmarks.Jobs;

/// <summary>A start of a job's command.</summary>
/// <param name="Stages">Seconds of each stage.</param>
/// <param name="Seconds">Seconds of all.</param>
/// <param name="Peak">Most resident memory that any of its processes had, in KiB.</param>
/// <param name="Share">How far it came.</param>
/// <param name="Result">Hash of the result; null when it was killed.</param>
internal sealed record JobStart(IReadOnlyList<(string Stage, double Seconds)> Stages, double Seconds, long Peak, double Share, string? Result);

/// <summary>The built command with a folder and databases of its own, which go when it does.</summary>
internal sealed class BuiltProduct : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name = $"xi_bench_{Guid.NewGuid():n}";

    private BuiltProduct(string server)
    {
        _server = server;
        while (!File.Exists(Path.Combine(Root, "XInstruct.sln"))) Root = Path.GetDirectoryName(Root) ?? throw new InvalidOperationException("Not inside the repository.");
    }

    /// <summary>The repository.</summary>
    public string Root { get; } = AppContext.BaseDirectory;

    /// <summary>Where inputs may lie.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("xi-bench-").FullName;

    /// <summary>Creates its databases on the server that XINSTRUCT_POSTGRES names.</summary>
    public static async Task<BuiltProduct> CreateAsync()
    {
        var product = new BuiltProduct(Environment.GetEnvironmentVariable("XINSTRUCT_POSTGRES")
            ?? throw new InvalidOperationException("Name a PostgreSQL server: export XINSTRUCT_POSTGRES=\"$(eng/postgres start)\""));
        await product.ExecuteAsync($"create database {product._name}");
        await product.ExecuteAsync($"create database {product._name}_t");
        return product;
    }

    /// <summary>Runs a job's command with --json; SIGKILL to it and all that it started as soon as it is that far on its way.</summary>
    public async Task<JobStart> RunAsync(double kill, params string[] args)
    {
        var start = new ProcessStartInfo(Path.Combine(Root, "src/Cli/bin", AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug", "net10.0/xinstruct"), args) { UseShellExecute = false, RedirectStandardOutput = true };
        start.Environment["XINSTRUCT_HOME"] = Path.Combine(Folder, "home");
        start.Environment["XINSTRUCT_POSTGRES"] = In(_name);
        start.Environment["TEMPORAL_STANDIN_DATABASE"] = In(_name + "_t");
        var clock = Stopwatch.StartNew();
        using var process = Process.Start(start)!;
        var memory = WatchAsync(process);
        var (begun, share, result) = (new List<(string Stage, double At)>(), 0.0, (string?)null);
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            var said = JsonDocument.Parse(line).RootElement;
            if (said.TryGetProperty("result", out var hash)) result = hash.GetString();
            if (!said.TryGetProperty("stage", out var stage)) continue;
            if (begun.Count == 0 || begun[^1].Stage != stage.GetString()) begun.Add((stage.GetString()!, clock.Elapsed.TotalSeconds));
            var (number, stages, parts, done) = (Number("number"), Number("stages"), Number("parts"), Number("done"));
            if (stages > 0) share = (number - 1 + (parts > 0 ? done / parts : 0)) / stages;
            if (share >= kill && !process.HasExited) process.Kill(entireProcessTree: true);

            double Number(string name) => said.GetProperty(name).GetDouble();
        }

        await process.WaitForExitAsync();
        var seconds = clock.Elapsed.TotalSeconds;
        if (process.ExitCode != 0 && share < kill) throw new InvalidOperationException($"'{string.Join(' ', args)}' ended with {process.ExitCode}.");
        return new JobStart([.. begun.Select((stage, i) => (stage.Stage, (i + 1 < begun.Count ? begun[i + 1].At : seconds) - stage.At))], seconds, await memory, share, result);
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync($"drop database {_name} with (force)");
        await ExecuteAsync($"drop database {_name}_t with (force)");
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The high-water mark of a process and of all that it started, until it ends.</summary>
    private static async Task<long> WatchAsync(Process process)
    {
        var peak = 0L;
        for (; !process.HasExited; await Task.Delay(100))
        {
            var watched = new Queue<string>([process.Id.ToString(CultureInfo.InvariantCulture)]);
            while (watched.TryDequeue(out var id))
            {
                try
                {
                    var mark = File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith("VmHWM", StringComparison.Ordinal));
                    if (mark is not null) peak = Math.Max(peak, long.Parse(mark.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture));
                    foreach (var thread in Directory.EnumerateDirectories($"/proc/{id}/task"))
                        foreach (var child in (await File.ReadAllTextAsync(Path.Combine(thread, "children"))).Split(' ', StringSplitOptions.RemoveEmptyEntries)) watched.Enqueue(child);
                }
                catch (IOException)
                {
                    // It ended while it was looked at.
                }
            }
        }

        return peak;
    }

    private string In(string database) => new NpgsqlConnectionStringBuilder(_server) { Database = database }.ConnectionString;

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_server);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
