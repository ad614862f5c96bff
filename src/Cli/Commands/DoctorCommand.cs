using System.CommandLine;
using System.Text.Json;
using Npgsql;
using XInstruct.Activities.Encoders;
using XInstruct.Activities.Monitoring;
using XInstruct.Activities.Reports;
using XInstruct.Activities.Runs;
using XInstruct.Cli.Hosting;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows;

namespace XInstruct.Cli.Commands;

/// <summary><c>doctor</c>: what is used, what is missing, and the command that mends it.</summary>
internal static class DoctorCommand
{
    private sealed record Check(string What, bool IsGood, string Found, string? Remedy);

    public static Command Create()
    {
        var quick = new Option<bool>("--quick") { Description = "Only PostgreSQL, its clock, the shared directory and Temporal: for health checks." };
        var worker = new Option<string?>("--worker") { Description = "Only whether the worker that tells at this ADDRESS:PORT ('worker --metrics') is ready: for health checks." };
        var command = new Command("doctor", "Says what is used, what is missing, and the command that mends it.") { quick, worker };
        command.SetAction(async (result, ct) =>
        {
            var options = CommonOptions.Deployment(result);
            var isFull = !result.GetValue(quick);
            List<Check> checks = result.GetValue(worker) is { } place
                ? [await WorkerAsync(place, ct)]
                : [await PostgresAsync(options, ct), await ClockAsync(options, ct), Home(options), .. await EngineAsync(options, isFull, ct)];
            if (isFull && result.GetValue(worker) is null)
            {
                checks.AddRange([Torch(), Onnx(), Globalization()]);
                checks.AddRange(Packages.InUse.Select(p => new Check(p.Key, true, p.Value, null)));
            }

            if (result.GetValue(CommonOptions.Json)) Console.WriteLine(JsonSerializer.Serialize(checks, EventJson.Options));
            else foreach (var c in checks) Console.WriteLine($"{(c.IsGood ? "ok     " : "MISSING")} {c.What}: {c.Found}{(c.Remedy is null ? "" : $"\n        {c.Remedy}")}");
            return checks.All(c => c.IsGood) ? ExitCodes.Ok : ExitCodes.MissingComponent;
        });
        return command.WithExamples("xinstruct doctor", "xinstruct doctor --json", "xinstruct doctor --quick", "xinstruct doctor --worker 127.0.0.1:9464");
    }

    /// <summary>What a worker says of itself.</summary>
    private static async Task<Check> WorkerAsync(string place, CancellationToken ct)
    {
        if (!Uri.TryCreate($"http://{place}/ready", UriKind.Absolute, out var address)) throw new UsageException($"--worker {place}: an address and a port, such as 127.0.0.1:9464.");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(10) };
        try
        {
            using var reply = await http.GetAsync(address, ct);
            var readiness = JsonSerializer.Deserialize<Readiness>(await reply.Content.ReadAsStringAsync(ct), EventJson.Options);
            if (readiness?.Problems is null || readiness.Worker is null) return NotOurs();
            return new Check("worker", reply.IsSuccessStatusCode, $"{readiness.Worker} {(reply.IsSuccessStatusCode ? "is ready" : "is not ready")}", readiness.Problems.Count == 0 ? null : string.Join(' ', readiness.Problems));
        }
        catch (JsonException)
        {
            return NotOurs();
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            return new Check("worker", false, $"nobody answers at {place}: {e.Message}", $"Start one that does: xinstruct worker --metrics {place}");
        }

        Check NotOurs() => new("worker", false, $"what answers at {place} is no worker", $"Start one there: xinstruct worker --metrics {place}");
    }

    private static async Task<Check> PostgresAsync(DeploymentOptions options, CancellationToken ct)
    {
        const string what = "PostgreSQL";
        if (options.Postgres is null) return new Check(what, false, "none named", "Start by './xinstruct', or give --postgres or XINSTRUCT_POSTGRES.");
        try
        {
            await using var database = NpgsqlDataSource.Create(options.Postgres);
            await using var command = database.CreateCommand("show server_version");
            return new Check(what, true, (string)(await command.ExecuteScalarAsync(ct))!, null);
        }
        catch (NpgsqlException e)
        {
            return new Check(what, false, e.Message, "Start it, or './xinstruct down' and again.");
        }
    }

    /// <summary>Times of events and budgets per minute are this machine's; those of other machines must mean the same.</summary>
    private static async Task<Check> ClockAsync(DeploymentOptions options, CancellationToken ct)
    {
        const string what = "clock";
        if (options.Postgres is null) return new Check(what, true, "no server to compare with", null);
        try
        {
            var skew = await ClockSkew.MeasureAsync(options.Postgres, TimeProvider.System, ct);
            return new Check(what, skew.IsBearable, skew.ToString(), skew.IsBearable ? null : "Set both machines' clocks by NTP, e.g. apt-get install chrony.");
        }
        catch (NpgsqlException e)
        {
            return new Check(what, false, e.Message, "See PostgreSQL above.");
        }
    }

    private static Check Home(DeploymentOptions options)
    {
        try
        {
            Directory.CreateDirectory(options.Home);
            var probe = Path.Combine(options.Home, Path.GetRandomFileName());
            File.WriteAllText(probe, "x");
            File.Delete(probe);
            var free = new DriveInfo(options.Home).AvailableFreeSpace >> 30;
            return new Check("shared directory", free >= 1, $"{options.Home}, {free} GiB free", free >= 1 ? null : "Free some disk, or name another with --home.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Check("shared directory", false, e.Message, "Make it writable, or name another with --home.");
        }
    }

    /// <summary>Whether Temporal answers, and who works for it.</summary>
    private static async Task<IReadOnlyList<Check>> EngineAsync(DeploymentOptions options, bool isFull, CancellationToken ct)
    {
        try
        {
            await using var deployment = await Deployment.OpenAsync(options, ct);
            var engine = new Check("Temporal", true, options.Temporal ?? (options.IsCluster ? $"profile {options.Profile}" : "embedded"), null);
            return isFull ? [engine, .. await WorkersAsync(options, deployment.Get<WorkerRegister>(), ct)] : [engine];
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return [new Check("Temporal", false, e.Message, "Check --temporal, or leave it out for the embedded engine.")];
        }
    }

    /// <summary>Who serves the queues, whether all are of one version, and whether all see the same files.</summary>
    private static async Task<IReadOnlyList<Check>> WorkersAsync(DeploymentOptions options, WorkerRegister register, CancellationToken ct)
    {
        IReadOnlyList<LiveWorker> workers;
        try
        {
            workers = await register.ListAsync(ct);
        }
        catch (NpgsqlException)
        {
            return [];
        }

        if (workers.Count == 0 && !options.IsCluster) return [new Check("workers", true, "none; 'xinstruct run' brings its own", null)];
        var counts = TaskQueues.All.Select(q => (Queue: q, Count: workers.Count(w => w.Queues.Contains(q)))).ToList();
        var isServed = counts.Single(c => c.Queue == TaskQueues.Cpu).Count > 0;
        var checks = new List<Check>
        {
            new("workers", isServed, string.Join(", ", counts.Select(c => $"{c.Queue} {c.Count}")), isServed ? null : "Nothing goes on without xi-cpu: start 'xinstruct worker'."),
        };
        if (workers.Count == 0) return checks;
        var versions = workers.Select(w => w.Version).Append(CodeVersion.Current).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        checks.Add(new("versions", versions.Count == 1, string.Join(", ", versions), versions.Count == 1 ? null : "Update the older ones; docs/cluster.md says in which order."));
        var strangers = workers.Where(w => !w.SharesFiles).Select(w => w.Worker).ToList();
        checks.Add(strangers.Count == 0
            ? new("shared files", true, $"seen from all {workers.Count} workers", null)
            : new("shared files", false, $"not those of {string.Join(", ", strangers)}", "All machines mount the same directory and name it with --home or XINSTRUCT_HOME."));
        return checks;
    }

    private static Check Torch()
    {
        try
        {
            using var two = TorchSharp.torch.ones(1).add(1);
            return new Check("libtorch", two.item<float>() == 2, $"{TorchSharp.torch.get_num_threads()} threads, CUDA {(TorchSharp.torch.cuda.is_available() ? "available" : "not available")}", null);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or System.Runtime.InteropServices.ExternalException)
        {
            return new Check("libtorch", false, e.Message, "apt-get install libtorch-dev libopenblas0-pthread g++, then start by './xinstruct'.");
        }
    }

    private static Check Onnx()
    {
        const string what = "ONNX Runtime";
        try
        {
            return new Check(what, true, EncoderDevices.Describe(), null);
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or EntryPointNotFoundException)
        {
            return new Check(what, false, e.InnerException?.Message ?? e.Message, "Its native library is missing: build again by './xinstruct'.");
        }
    }

    private static Check Globalization() =>
        "e\u0301".Normalize() == "\u00e9"
            ? new Check("ICU", true, "normalises Unicode", null)
            : new Check("ICU", false, "Unicode normalisation does nothing", "apt-get install libicu72 and unset DOTNET_SYSTEM_GLOBALIZATION_INVARIANT.");
}
