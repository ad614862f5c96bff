using System.Diagnostics;
using System.Text.Json;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Recipes;

namespace XInstruct.Cli.Chaos;

/// <summary>What to do to a recipe.</summary>
/// <param name="Recipe">Recipe file.</param>
/// <param name="Overrides">Overridden keys.</param>
/// <param name="Server">The user's PostgreSQL.</param>
/// <param name="Home">The user's home: scratch homes lie in it.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Kills">SIGKILLs, in all runs together.</param>
/// <param name="Workers">Worker processes beside the run's own.</param>
/// <param name="Faults">Share of prompts whose first reply goes wrong, 0 to 1.</param>
/// <param name="Losses">Share of PostgreSQL's writes and commits whose answer is lost with the connection, 0 to 1.</param>
/// <param name="OutageEvery">Seconds between two outages of PostgreSQL, on average; 0 for none.</param>
/// <param name="Restart">Command that restarts PostgreSQL; null for none.</param>
internal sealed record StormOptions(string Recipe, IReadOnlyList<string> Overrides, string Server, string Home, int Seed, int Kills, int Workers, double Faults, double Losses, double OutageEvery, string? Restart);

/// <summary>
/// Runs a recipe once undisturbed, then as often as it takes to place all kills, and compares. All of it happens in databases and homes of its own,
/// and endpoints are played by <see cref="MadeUpProvider"/>.
/// </summary>
/// <param name="options">What to do.</param>
/// <param name="say">Tells what happens.</param>
internal sealed class Storm(StormOptions options, Action<string> say) : IAsyncDisposable
{
    /// <summary>A kill that the parent chooses the moment of, between two places.</summary>
    private const string Anywhere = "anywhere";

    /// <summary>A threat falls within this part of the occurrences of its moment, so that a run takes several kills and yet comes to its end.</summary>
    private const int Part = 3;

    /// <summary>One process that cannot start for this many times in a row has another reason than chaos.</summary>
    private const int Stubborn = 20;

    private static readonly string[] Ways = ["times connections cut", "times away"];

    private readonly PostgresRelay _relay = new(options.Server, options.Seed);
    // Guards what follows: several processes live at once.
    private readonly Lock _lock = new();
    private readonly Random _random = new(options.Seed);
    private readonly HashSet<Guid> _inFlight = [];
    private readonly SortedDictionary<string, int> _kills = new(StringComparer.Ordinal), _outages = new(StringComparer.Ordinal), _faults = new(StringComparer.Ordinal);
    private readonly List<string> _findings = [];
    private readonly string _name = $"xi_chaos_{Guid.NewGuid():N}"[..17];
    private Dictionary<string, int> _usual = [];
    private double _calmSeconds;
    private int _planned;

    /// <summary>Does it.</summary>
    public async Task<ChaosCertificate> RunAsync(CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var recipe = RecipeFile.Load(options.Recipe, options.Overrides).Recipe;
        await using var provider = await MadeUpProvider.StartAsync(options.Seed);
        var apis = new[] { ("generator", recipe.Models.Generator.Api), ("evaluator", recipe.Models.Evaluator.Api) }.Where(r => r.Item2 is not null).Select(r => (Role: r.Item1, Api: r.Item2!)).ToList();
        var command = Command(apis, provider);
        say("An undisturbed run first.");
        await using var calm = new ScratchStore(options.Server, $"{_name}_calm", Path.Combine(options.Home, _name + "-calm"));
        await calm.CreateAsync(ct);
        var end = await CalmAsync(calm, command, Keys(apis), ct);
        var (run, release) = (end.GetProperty("run").GetString()!, end.GetProperty("release").GetProperty("sha256").GetString()!);
        var events = await calm.EventsAsync(run, ct);
        var replies = provider.Delivered;
        var total = new ChaosCertificate { Recipe = options.Recipe, Run = run, Code = CodeVersion.Current, Seed = options.Seed, Workers = options.Workers, Release = release, Events = events.Values.Sum() };
        while (_kills.Values.Sum() < options.Kills && _findings.Count == 0)
        {
            total = await RoundAsync(total, events, replies, command, Keys(apis), provider, ct);
        }

        if (_relay.Lost > 0) _outages["answers lost"] = _relay.Lost;
        return total with { Kills = _kills, Outages = _outages, Faults = _faults, Findings = _findings, InFlight = _inFlight.Count, Seconds = Math.Round(clock.Elapsed.TotalSeconds, 1) };
    }

    private List<string> Command(List<(string Role, ApiOptions Api)> apis, MadeUpProvider provider) =>
    [
        "run", Path.GetFullPath(options.Recipe), "--json", .. options.Overrides.SelectMany(o => new[] { "--set", o }),
        // The pace of a real endpoint is none of this one's.
        .. apis.SelectMany(r => new[] { $"baseUrl={provider.BaseUrl(r.Role)}", "requestsPerMinute=0", "tokensPerMinute=0", "timeout=10", "tries=6" }.SelectMany(s => new[] { "--set", $"models.{r.Role}.api.{s}" })),
    ];

    private static List<string> Keys(List<(string Role, ApiOptions Api)> apis) => [.. apis.Select(r => r.Api.Key).OfType<string>()];

    private async Task<JsonElement> CalmAsync(ScratchStore store, List<string> command, List<string> keys, CancellationToken ct)
    {
        var ordeal = new Ordeal(new Dictionary<string, int>(), 0, 0, store.NewFile());
        var clock = Stopwatch.StartNew();
        using var child = await EndAsync(store, command, keys, ordeal, ct);
        if (child.ExitCode != ExitCodes.Ok) throw new Commands.UsageException($"The undisturbed run failed, and so there is nothing to compare with: {child.LastWords}");
        _calmSeconds = clock.Elapsed.TotalSeconds;
        _usual = ordeal.Came();
        return JsonDocument.Parse(child.LastLine).RootElement;
    }

    /// <summary>A process that nobody kills, at its end. PostgreSQL may be away without being asked to: then it is started again.</summary>
    private async Task<Child> EndAsync(ScratchStore store, List<string> command, List<string> keys, Ordeal? ordeal, CancellationToken ct)
    {
        for (var failures = 0; ;)
        {
            var child = new Child(store, _relay, command, keys, ordeal, ct);
            await child.EndAsync();
            if (!ct.IsCancellationRequested && (child.ExitCode != ExitCodes.MissingComponent || ++failures == Stubborn)) return child;
            child.Dispose();
            ct.ThrowIfCancellationRequested();
            await Task.Delay(500, ct);
        }
    }

    /// <summary>One run from its beginning to its end, however often it is killed.</summary>
    private async Task<ChaosCertificate> RoundAsync(ChaosCertificate total, Dictionary<(string, string), int> expected, Dictionary<string, int> replies, List<string> command, List<string> keys, MadeUpProvider provider, CancellationToken ct)
    {
        var round = total.Rounds + 1;
        provider.Forget();
        provider.Faults = options.Faults;
        await using var store = new ScratchStore(options.Server, $"{_name}_{round}", Path.Combine(options.Home, $"{_name}-{round}"));
        await store.CreateAsync(ct);
        string? last;
        _relay.Losses = options.Losses;
        using (var done = CancellationTokenSource.CreateLinkedTokenSource(ct))
        {
            var helpers = Enumerable.Range(0, options.Workers).Select(_ => (Task)LivesAsync(store, ["worker"], keys, done.Token)).Append(OutagesAsync(done.Token)).ToList();
            try
            {
                last = await LivesAsync(store, command, keys, ct);
            }
            finally
            {
                await done.CancelAsync();
                await Task.WhenAll(helpers);
                _relay.Losses = 0;
            }
        }

        foreach (var (kind, count) in provider.Failed) _faults[kind] = _faults.GetValueOrDefault(kind) + count;
        say($"Run {round} has ended; {_kills.Values.Sum()} of {options.Kills} kills.");
        if (last is null) return total with { Rounds = round };
        var found = await store.EventsAsync(total.Run, ct);
        var lost = expected.Sum(e => Math.Max(0, e.Value - found.GetValueOrDefault(e.Key)));
        var more = found.Sum(e => Math.Max(0, e.Value - expected.GetValueOrDefault(e.Key)));
        if (lost + more > 0) _findings.Add($"Run {round}: {string.Join(", ", expected.Keys.Concat(found.Keys).Distinct().Where(k => expected.GetValueOrDefault(k) != found.GetValueOrDefault(k)).Select(k => k.Item1).Distinct().Order(StringComparer.Ordinal))} differ.");
        if (await store.OpenCallsAsync() is { Count: > 0 } open) _findings.Add($"Run {round}: {open.Count} calls are still reserved.");
        if (provider.Unanswered > 0) _findings.Add($"Run {round}: {provider.Unanswered} prompts were given up.");
        using var audit = await EndAsync(store, ["audit", "verify", "--json"], keys, null, ct);
        if (audit.ExitCode != ExitCodes.Ok) _findings.Add($"Run {round}: audit verify: {audit.LastLine}{audit.LastWords}");
        var sha256 = JsonDocument.Parse(last).RootElement.GetProperty("release").GetProperty("sha256").GetString();
        return total with
        {
            Rounds = round,
            ReleasesChanged = total.ReleasesChanged + (sha256 == total.Release ? 0 : 1),
            EventsLost = total.EventsLost + lost,
            EventsDuplicated = total.EventsDuplicated + more,
            Prompts = total.Prompts + provider.Prompts,
            PaidAgain = total.PaidAgain + provider.Delivered.Sum(d => Math.Max(0, d.Value - replies.GetValueOrDefault(d.Key))),
        };
    }

    /// <summary>A process that is killed and started again until it ends by itself, or is no longer needed. Its last line; null when it failed.</summary>
    private async Task<string?> LivesAsync(ScratchStore store, List<string> command, List<string> keys, CancellationToken ct)
    {
        for (var failures = 0; ;)
        {
            var (ordeal, wait) = Plan(store);
            using var child = new Child(store, _relay, command, keys, ordeal, ct);
            using var settled = CancellationTokenSource.CreateLinkedTokenSource(ct);
            var killer = wait is { } time ? KillAsync(child, time, settled.Token) : Task.CompletedTask;
            await child.EndAsync();
            await settled.CancelAsync();
            await killer;
            var isKilled = child.WasKilled && !ct.IsCancellationRequested;
            var moment = ordeal.Met() ?? Anywhere;
            var kills = ordeal.Kills.Count == 0 && wait is null ? 0 : Settle(moment, isKilled, isKilled ? await store.OpenCallsAsync() : []);
            if (ct.IsCancellationRequested && command[0] == "worker") return null;
            ct.ThrowIfCancellationRequested();
            if (isKilled)
            {
                failures = 0;
                say($"killed ({moment}): {command[0]}; {kills} of {options.Kills}");
            }
            else if (child.ExitCode == ExitCodes.Ok)
            {
                return child.LastLine;
            }
            // A process that finds no PostgreSQL at its start says so and ends: whoever started it starts it again.
            else if (child.ExitCode != ExitCodes.MissingComponent || ++failures == Stubborn)
            {
                lock (_lock) _findings.Add($"'{command[0]}' ended with exit code {child.ExitCode}: {child.LastLine} {child.LastWords} Its logs: {KeepLogs(store)}");
                return null;
            }
            else
            {
                await Task.Delay(500, CancellationToken.None);
            }
        }
    }

    /// <summary>The logs leave the home, which is about to go.</summary>
    private string KeepLogs(ScratchStore store)
    {
        var kept = Path.Combine(options.Home, $"{_name}.logs");
        if (!Directory.Exists(kept)) Directory.Move(Path.Combine(store.Home, "logs"), kept);
        return kept;
    }

    /// <summary>What the next process is to suffer, by the seed: half of the moments threaten it, and sometimes the clock. Nothing once all kills are planned.</summary>
    private (Ordeal Ordeal, TimeSpan? Wait) Plan(ScratchStore store)
    {
        lock (_lock)
        {
            var kills = new Dictionary<string, int>(StringComparer.Ordinal);
            var seed = _random.Next();
            TimeSpan? wait = null;
            if (_planned < options.Kills)
            {
                _planned++;
                foreach (var moment in Moments.All.Where(m => _usual.GetValueOrDefault(m) > 0))
                {
                    if (_random.Next(2) == 0) kills[moment] = 1 + (int)(_random.NextDouble() * _usual[moment] / Part);
                }

                if (kills.Count == 0 || _random.Next(3) == 0) wait = TimeSpan.FromSeconds(0.5 + (_random.NextDouble() * _calmSeconds / Part));
            }

            return (new Ordeal(kills, options.Faults, seed, store.NewFile()), wait);
        }
    }

    /// <summary>What became of a plan. The number of kills so far.</summary>
    private int Settle(string moment, bool isKilled, IReadOnlyList<Guid> open)
    {
        lock (_lock)
        {
            if (isKilled) _kills[moment] = _kills.GetValueOrDefault(moment) + 1;
            else _planned--;
            _inFlight.UnionWith(open);
            return _kills.Values.Sum();
        }
    }

    private static async Task KillAsync(Child child, TimeSpan after, CancellationToken ct)
    {
        await Task.Delay(after, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!ct.IsCancellationRequested) child.Kill();
    }

    private async Task OutagesAsync(CancellationToken ct)
    {
        if (options.OutageEvery <= 0) return;
        var random = new Random(options.Seed + 1);
        while (!ct.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromSeconds(options.OutageEvery * (0.5 + random.NextDouble())), ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ct.IsCancellationRequested) return;
            var way = random.Next(Ways.Length + (options.Restart is null ? 0 : 1));
            var name = way < Ways.Length ? Ways[way] : "times restarted";
            _outages[name] = _outages.GetValueOrDefault(name) + 1;
            switch (way)
            {
                case 0:
                    _relay.Cut();
                    break;
                case 1:
                    await _relay.GoAwayAsync(TimeSpan.FromSeconds(1 + random.NextDouble()));
                    break;
                default:
                    await RestartAsync();
                    break;
            }
        }
    }

    private async Task RestartAsync()
    {
        using var restart = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", options.Restart!]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(restart.StandardOutput.ReadToEndAsync(), restart.StandardError.ReadToEndAsync());
        await restart.WaitForExitAsync();
        if (restart.ExitCode == 0) return;
        lock (_lock) _findings.Add($"The command that restarts PostgreSQL ended with exit code {restart.ExitCode}: {string.Concat(said).Trim()}");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _relay.DisposeAsync();
}
