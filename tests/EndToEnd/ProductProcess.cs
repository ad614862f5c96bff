using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.Json;
using Npgsql;
using XInstruct.Cli;
using XInstruct.Cli.Chaos;
using XInstruct.EndToEnd.Endpoints;

// Signals, process groups, file modes and accounts are what these tests are about.
[assembly: SupportedOSPlatform("linux")]

namespace XInstruct.EndToEnd;

/// <summary>The built command with a home and databases of its own.</summary>
internal sealed class ProductProcess : IAsyncDisposable
{
    private readonly string _server;

    private readonly PostgresRelay? _relay;

    private readonly string _name = $"xi_e2e_{Guid.NewGuid():N}";

    /// <summary>SIGINT: what Ctrl-C sends to the group.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGSTOP on Linux.</summary>
    public const int Stop = 19;

    /// <summary>SIGCONT on Linux.</summary>
    public const int Continue = 18;

    /// <summary>Shared directory of this installation.</summary>
    public string Home { get; } = Directory.CreateTempSubdirectory("xi-e2e-").FullName;

    /// <summary>Connection string of the event store.</summary>
    public string Postgres => new NpgsqlConnectionStringBuilder(_server) { Database = _name }.ConnectionString;

    private ProductProcess(string server) => (_server, _relay) = (server, FaultInjection.Relay(server));

    /// <summary>An installation with databases of its own.</summary>
    /// <param name="server">On this server; null for the one that all tests share.</param>
    public static async Task<ProductProcess> CreateAsync(string? server = null)
    {
        var product = new ProductProcess(server ?? System.Environment.GetEnvironmentVariable("XINSTRUCT_TEST_POSTGRES")
            ?? throw new InvalidOperationException("XINSTRUCT_TEST_POSTGRES is not set. './xinstruct test' starts a PostgreSQL and sets it."));
        await product.ExecuteAsync($"create database {product._name}", product._server);
        await product.ExecuteAsync($"create database {product._name}_t", product._server);
        return product;
    }

    /// <summary>Runs SQL on the event store.</summary>
    public Task ExecuteAsync(string sql) => ExecuteAsync(sql, Postgres);

    /// <summary>Further variables of the commands.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>What points a command at this installation.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["XINSTRUCT_HOME"] = Home,
        ["XINSTRUCT_POSTGRES"] = Through(_name),
        ["TEMPORAL_STANDIN_DATABASE"] = Through(_name + "_t"),
    };

    private string Through(string database) => _relay?.Through(_server, database) ?? new NpgsqlConnectionStringBuilder(_server) { Database = database }.ConnectionString;

    /// <summary>Reads rows from the event store.</summary>
    public async Task<IReadOnlyList<T>> ReadAsync<T>(string sql, Func<NpgsqlDataReader, T> row)
    {
        await using var connection = new NpgsqlConnection(Postgres);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync()) rows.Add(row(reader));
        return rows;
    }

    /// <summary>Committed events; 0 as long as nothing created the store.</summary>
    public async Task<long> CountEventsAsync()
    {
        try
        {
            return (await ReadAsync("select count(*) from xinstruct.mt_events", r => r.GetInt64(0)))[0];
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            return 0;
        }
    }

    /// <summary>The time as the event store knows it.</summary>
    public async Task<DateTime> NowAsync() => (await ReadAsync("select clock_timestamp()", r => r.GetDateTime(0)))[0];

    /// <summary>Waits until so many events are committed, or the process ended.</summary>
    public async Task WaitForEventsAsync(Process process, long events)
    {
        while (!process.HasExited && await CountEventsAsync() < events) await Task.Delay(20);
    }

    /// <summary>Starts the command as the leader of a process group of its own; <see cref="KillGroup"/> ends it and whatever it started.</summary>
    public Process StartGroup(params string[] args) => Start("setsid", [Program, .. args]);

    /// <summary>Starts a command and kills it, with whatever it started, as soon as something is so. It must not have ended by then.</summary>
    public async Task KillAsync(Func<Task<bool>> when, params string[] command)
    {
        for (var left = Starts; ; left--)
        {
            using var process = StartGroup(command);
            var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            while (!process.HasExited && !await when()) await Task.Delay(5);
            if (!process.HasExited) KillGroup(process);
            else if (left == 1 || process.ExitCode != ExitCodes.MissingComponent) throw new ShouldAssertException($"It ended by itself, with exit code {process.ExitCode}: {string.Concat(await said)}");
            await process.WaitForExitAsync();
            await said;
            if (process.ExitCode != ExitCodes.MissingComponent) return;
        }
    }

    /// <summary>Kills a command when so many events are committed.</summary>
    public Task KillAtAsync(long events, params string[] command) => KillAsync(async () => await CountEventsAsync() >= events, command);

    /// <summary>Kills a command when an endpoint was asked so many prompts.</summary>
    public Task KillAtAsync(ChatServer server, int prompts, params string[] command) => KillAsync(() => Task.FromResult(server.Asked.Count >= prompts), command);

    /// <summary>Runs a command that kills itself when a moment comes for the n-th time: too exact for a clock.</summary>
    public async Task KillAtAsync(string moment, int occurrence, params string[] command)
    {
        Doom(moment, occurrence);
        try
        {
            var (code, output, error) = await RunAsync(command);
            code.ShouldBe(128 + 9, output + error);
        }
        finally
        {
            Variables.Remove(ChaosAgent.Variable);
        }
    }

    /// <summary>Starts a command that kills itself when a moment comes for the n-th time, if it does.</summary>
    public Process StartDoomed(string moment, int occurrence, params string[] command)
    {
        Doom(moment, occurrence);
        try
        {
            return StartGroup(command);
        }
        finally
        {
            Variables.Remove(ChaosAgent.Variable);
        }
    }

    private void Doom(string moment, int occurrence) => Variables[ChaosAgent.Variable] =
        JsonSerializer.Serialize(new Ordeal(new Dictionary<string, int> { [moment] = occurrence }, 0, 0, Path.Combine(Home, "moments.json")));

    /// <summary>SIGKILL to all processes of a group: nobody gets to tidy up.</summary>
    public static void KillGroup(Process leader) => SignalGroup(leader, 9);

    /// <summary>Sends a signal to all processes of a group.</summary>
    public static void SignalGroup(Process leader, int signal) => Send(-leader.Id, signal);

    /// <summary>Sends a signal to one process.</summary>
    public static void Signal(Process process, int signal) => Send(process.Id, signal);

    private static void Send(int target, int signal)
    {
        if (SendSignal(target, signal) != 0) throw new InvalidOperationException($"No process or group {target}: error {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Starts the command; the caller waits for it or kills it.</summary>
    public Process Start(params string[] args) => Start(Program, args);

    /// <summary>The built command.</summary>
    public static string Program => Path.Combine(Tests.SharedData.Root, "src/Cli/bin", Configuration, "net10.0/xinstruct");

    private Process Start(string program, string[] args, string? folder = null)
    {
        var start = new ProcessStartInfo(program, args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? Tests.SharedData.Root };
        foreach (var (name, value) in Environment.Concat(Variables)) start.Environment[name] = value;
        // Who is to kill itself also does when nobody holds the other end.
        start.RedirectStandardInput = start.Environment.ContainsKey(ChaosAgent.Variable);
        return Process.Start(start)!;
    }

    /// <summary>Runs the command to its end.</summary>
    public Task<(int Code, string Output, string Error)> RunAsync(params string[] args) => RunInAsync(Tests.SharedData.Root, args);

    /// <summary>What the command prints; it must end well.</summary>
    public async Task<string> SayAsync(params string[] args)
    {
        var (code, output, error) = await RunAsync(args);
        code.ShouldBe(0, error + output);
        return output;
    }

    /// <summary>A command whose first words to PostgreSQL are lost ends, and is started again.</summary>
    private int Starts => _relay is null ? 1 : FaultInjection.Starts;

    /// <summary>Runs the command in a folder to its end.</summary>
    public async Task<(int Code, string Output, string Error)> RunInAsync(string folder, params string[] args)
    {
        for (var left = Starts; ; left--)
        {
            using var process = Start(Program, args, folder);
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.WaitForExitAsync();
            if (left == 1 || process.ExitCode != ExitCodes.MissingComponent) return (process.ExitCode, await output, await error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_relay is not null) await _relay.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync($"drop database if exists {_name} with (force)", _server);
        await ExecuteAsync($"drop database if exists {_name}_t with (force)", _server);
        Directory.Delete(Home, recursive: true);
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int SendSignal(int process, int signal);

    private static string Configuration => AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";

    private async Task ExecuteAsync(string sql, string server)
    {
        await using var connection = new NpgsqlConnection(server);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
