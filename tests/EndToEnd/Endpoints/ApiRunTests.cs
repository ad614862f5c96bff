using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using Xunit.Abstractions;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>Whole runs with the generator, or both models, behind an endpoint that fails in every way.</summary>
public sealed class ApiRunTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Concurrency = 8;

    private ChatServer _server = null!;
    private ProductProcess _product = null!;

    /// <summary>Kills of one run; ten at night.</summary>
    private static int Kills => NightlyFactAttribute.IsNightly ? 10 : 2;

    public async Task InitializeAsync()
    {
        _server = await ChatServer.StartAsync();
        _server.Reply = Reply;
        _product = await ProductProcess.CreateAsync();
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
    }

    public async Task DisposeAsync()
    {
        await _product.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Run_OnlyGeneratorBehindEndpoint_KeepsItsLocalEvaluatorAndItsKey()
    {
        string[] options = [.. UndisturbedRun.Small, .. Api(_server, "generator", "usdPerMillionIn=1", "usdPerMillionOut=1")];
        var (code, said, error) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--estimate", "--json", .. options]);
        code.ShouldBe(0, error);
        var estimate = JsonDocument.Parse(said).RootElement;
        _server.Asked.ShouldBeEmpty();
        (await _product.CountEventsAsync()).ShouldBe(0);
        var without = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--json", .. options, "--set", "models.generator.api.key=XI_OTHER_API_KEY"]);
        without.Code.ShouldBe(2);
        without.Error.ShouldContain("XI_OTHER_API_KEY is not set");
        _server.Status = 401;
        (code, said, error) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--json", .. options]);
        code.ShouldBe(1, said + error);
        said.ShouldContain("does not accept the key in XI_TEST_API_KEY");
        (said + error).ShouldNotContain(ChatServer.Key[..8]);
        _server.Asked.Count.ShouldBeLessThanOrEqualTo(Concurrency * 4);
        // Mended, the same command goes on.
        _server.Forget();
        _server.Status = null;
        (code, said, error) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--json", .. options]);
        code.ShouldBe(0, error + said);
        var lines = said.TrimEnd().Split('\n').Select(l => JsonDocument.Parse(l).RootElement).ToList();
        var end = lines[^1];
        var progress = lines.Last(l => l.TryGetProperty("event", out var e) && e.GetString() == "progress");
        progress.GetProperty("budget").GetProperty("spent").GetDecimal().ShouldBe(end.GetProperty("ledger").GetProperty("usd").GetDecimal());
        var pace = progress.GetProperty("endpoints").EnumerateArray().ShouldHaveSingleItem();
        pace.GetProperty("role").GetString().ShouldBe("generator");
        pace.GetProperty("queueSeconds").GetDouble().ShouldBeGreaterThanOrEqualTo(0);
        // Near-duplicates and texts in other languages are all that it cannot know.
        estimate.GetProperty("requests").GetInt32().ShouldBeInRange(_server.Asked.Count, _server.Asked.Count * 12 / 10);
        estimate.GetProperty("usdAtMost").GetDecimal().ShouldBeGreaterThan(end.GetProperty("ledger").GetProperty("usd").GetDecimal());
        end.GetProperty("samples").GetProperty("selected").GetInt64().ShouldBeGreaterThan(0);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);
        _server.Authorizations.Keys.ShouldBe([$"Bearer {ChatServer.Key}"]);
        await ShouldAgreeAsync(_product, end);
        var devices = await _product.ReadAsync("select convert_from(bytes, 'UTF8') from xinstruct.xi_contents where convert_from(bytes, 'UTF8') like '{%\"stage\":\"rate\"%'", r => r.GetString(0));
        devices.ShouldHaveSingleItem().ShouldContain("torch");
        await ShouldNotHoldKeyAsync();
    }

    [Fact]
    public async Task Run_FaultsOfAllKindsAndKills_LosesNothingAndPaysNothingTwice()
    {
        var plan = new FaultPlan();
        _server.Faults = plan.Choose;
        var end = await FinishAsync(_product, _server);
        output.WriteLine(string.Join(", ", plan.Count.Select(c => $"{c.Key} {c.Value}")));
        foreach (var kind in Enum.GetValues<Fault>().Except([Fault.None])) plan.Count.ShouldContainKey(kind);
        _server.Asked.ShouldAllBe(a => a.Delivered == 1);
        await ShouldAgreeAsync(_product, end);
        await ShouldAllEndAsync(_product);
        await ShouldNotHoldKeyAsync();

        // The same on another machine with another address, and killed while calls are under way.
        await using var server = await ChatServer.StartAsync();
        (server.Reply, server.Faults) = (Reply, new FaultPlan().Choose);
        await using var product = await ProductProcess.CreateAsync();
        product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        for (var kill = 1; kill <= Kills; kill++) await KillAsync(product, server, server.Asked.Count + Math.Min(30, 350 / Kills));
        var again = await FinishAsync(product, server);
        again.GetProperty("release").GetProperty("sha256").GetString().ShouldBe(end.GetProperty("release").GetProperty("sha256").GetString());
        again.GetProperty("samples").GetRawText().ShouldBe(end.GetProperty("samples").GetRawText());
        await ShouldAllEndAsync(product);
        var (read, written) = await EventTokensAsync(product);
        Sum(again, "tokensIn").ShouldBe(read);
        Sum(again, "tokensOut").ShouldBe(written);
        var repeated = server.Asked.Sum(a => a.Delivered - 1);
        output.WriteLine($"paid again after {Kills} kills: {repeated}");
        server.Asked.ShouldAllBe(a => a.Delivered >= 1);
        repeated.ShouldBeLessThanOrEqualTo(Kills * Concurrency);
        // To the token: what is not in the ledger are the replies that were under way at a kill.
        server.Tokens.ShouldBe((read + server.Asked.Sum(a => (a.Delivered - 1) * a.Tokens.In), written + server.Asked.Sum(a => (a.Delivered - 1) * a.Tokens.Out)));
        (await product.ReadAsync("select count(*) from xinstruct.xi_calls", r => r.GetInt64(0))).ShouldBe([0]);
        (await product.RunAsync("audit", "verify")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Run_StoreAwayWhileCallsAreUnderWay_PaysNoReplyTwice()
    {
        string[] options = [.. UndisturbedRun.Small, .. Api(_server, "generator")];
        _server.Work = TimeSpan.FromMilliseconds(50);
        using var process = _product.Start(["run", UndisturbedRun.Recipe, "--json", .. options]);
        var said = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        for (var prompts = 40; prompts <= 120; prompts += 40)
        {
            while (!process.HasExited && _server.Asked.Count < prompts) await Task.Delay(5);
            await _product.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        }

        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors + await said);
        _server.Asked.Sum(a => a.Delivered - 1).ShouldBeLessThanOrEqualTo(3);
        output.WriteLine($"paid again: {_server.Asked.Sum(a => a.Delivered - 1)}");
    }

    [Fact]
    public async Task Run_Budget_IsNeverPassedAndCanBeRaised()
    {
        // At two dollars for a million tokens: some fifty calls.
        const decimal price = 0.000002m, cap = 0.10m;
        string[] prices = ["usdPerMillionIn=2", "usdPerMillionOut=2"];
        string[] options = [.. UndisturbedRun.Small, "--set", "models.generator.sampling.maxNewTokens=64", .. Api(_server, "generator", prices)];
        _server.Faults = (_, before) => before == 0 && Random.Shared.Next(20) == 0 ? Fault.Lose : Fault.None;
        // What was under way at a kill counts as paid in full, so few kills use up so small a budget.
        for (var kill = 1; kill <= 2; kill++) await KillAsync(_product, _server, _server.Asked.Count + 6, [.. options, "--set", "budget.usd=0.10"]);
        var stopped = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--json", .. options, "--set", "budget.usd=0.10"]);
        stopped.Code.ShouldBe(1, stopped.Error + stopped.Output);
        var last = JsonDocument.Parse(stopped.Output.TrimEnd().Split('\n')[^1]).RootElement;
        last.GetProperty("error").GetString()!.ShouldContain("--set budget.usd=0.2");
        (_server.TokensDone * price).ShouldBeLessThanOrEqualTo(cap);
        (_server.TokensDone * price).ShouldBeGreaterThan(cap / 4);
        var raised = await UndisturbedRun.FinishAsync(_product, [.. options, "--set", "budget.usd=5"]);
        raised.GetProperty("run").GetString().ShouldBe(last.GetProperty("run").GetString());
        // Who raised it stands in the run's own history, once.
        var trail = await _product.RunAsync("audit", "show", "--json", raised.GetProperty("run").GetString()!);
        trail.Code.ShouldBe(0, trail.Error);
        var steered = JsonDocument.Parse(trail.Output).RootElement.GetProperty("entries").EnumerateArray().Where(e => e.GetProperty("type").GetString() == "run_steered").ToList();
        steered.ShouldHaveSingleItem().GetProperty("data").ShouldSatisfyAllConditions(
            d => d.GetProperty("command").GetString().ShouldBe("budget"), d => d.GetProperty("usd").GetDouble().ShouldBe(5), d => d.GetProperty("who").GetString().ShouldBe(Environment.UserName));
        (await EventTokensAsync(_product)).ShouldBe((Sum(raised, "tokensIn"), Sum(raised, "tokensOut")));
        var usd = raised.GetProperty("ledger").GetProperty("calls").EnumerateArray().Sum(c => c.GetProperty("usd").GetDecimal() + c.GetProperty("usdUnanswered").GetDecimal());
        (_server.TokensDone * price).ShouldBeLessThanOrEqualTo(usd);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"worth {_server.TokensDone * price}, counted {usd}"));
    }

    [Fact]
    public async Task Run_StructuredWithLogProbabilities_RanksByThemAndCountsMalformedReplies()
    {
        string[] options =
        [
            .. UndisturbedRun.Small, "--set", "refine.rank=generator", .. Api(_server, "generator", "structured=true", "logProbabilities=true", "tries=3", "usdPerMillionIn=1", "usdPerMillionOut=1"),
            .. Api(_server, "evaluator", "structured=true", "usdPerMillionIn=1", "usdPerMillionOut=1"),
        ];
        _server.IsPlain = true;
        var (code, said, _) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--json", .. options]);
        code.ShouldBe(1);
        said.ShouldContain("Leave api.structured out");
        (_server.IsPlain, _server.LogProbabilities) = (false, LogProbabilities);
        _server.Forget();
        const string garbled = "{\"instruction\": \"Write";
        var once = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        static bool IsNever(string prompt) => Hash(prompt)[3] < 5;
        static int Tries(Asked asked) => asked.Prompt.StartsWith("Judge", StringComparison.Ordinal) ? 6 : 3;
        _server.Reply = prompt =>
        {
            var hash = Hash(prompt);
            if (IsNever(prompt) || (hash[4] < 20 && once.TryAdd(prompt, true))) return garbled;
            return prompt.StartsWith("Judge", StringComparison.Ordinal)
                ? JsonSerializer.Serialize(new { reason = "It is on the subject.", score = hash[2] % 6 })
                : JsonSerializer.Serialize(new { instruction = Reply(prompt) });
        };
        var end = await UndisturbedRun.FinishAsync(_product, options);
        _server.Schemas.Keys.Order().ShouldBe(["instruction", "rating"]);
        var events = await _product.ReadAsync(
            """
            select convert_from(c.bytes, 'UTF8'), (e.data ->> 'logProbability')::float8 from xinstruct.mt_events e
            join xinstruct.xi_contents c on c.hash = decode(e.data ->> 'instruction', 'hex') where e.type = 'instruction_generated'
            """,
            r => (Instruction: r.GetString(0), Mean: r.GetDouble(1)));
        events.Count.ShouldBeGreaterThan(100);
        events.ShouldAllBe(e => e.Mean == Math.Round(LogProbabilities(e.Instruction).Average(), 6));
        // Within each half of the texts the most confident are kept, the best first.
        var samples = await _product.ReadAsync(
            "select data ->> 'sampleId', (data ->> 'logProbability')::float8, data ->> 'kept' is not null from xinstruct.mt_doc_sample where data ->> 'instruction' is not null and data ->> 'level' is not null",
            r => (Half: Convert.ToInt32(r.GetString(0)[^1..], 16) & 1, Mean: r.GetDouble(1), IsKept: r.GetBoolean(2)));
        foreach (var half in samples.GroupBy(s => s.Half))
        {
            half.Where(s => s.IsKept).ShouldNotBeEmpty();
            half.Where(s => s.IsKept).Min(s => s.Mean).ShouldBeGreaterThanOrEqualTo(half.Where(s => !s.IsKept).Max(s => s.Mean));
        }

        var failed = await _product.ReadAsync("select data ->> 'reason', count(*) from xinstruct.mt_events where type in ('generation_failed', 'rating_failed') group by 1", r => (r.GetString(0), r.GetInt64(1)));
        failed.ShouldBe([("malformed", _server.Asked.Count(a => IsNever(a.Prompt)))]);
        foreach (var never in _server.Asked.Where(a => IsNever(a.Prompt))) never.Requests.ShouldBeOneOf(Tries(never), Tries(never) - never.Spoilt);
        // All that the server wrote is counted at its price: on events, and what came to nothing beside them.
        var nothing = _server.Asked.Sum(a => (a.Tokens.In + garbled.Length) * (IsNever(a.Prompt) ? a.Requests : once.ContainsKey(a.Prompt) ? 1 - a.Spoilt : 0));
        var calls = end.GetProperty("ledger").GetProperty("calls").EnumerateArray().ToList();
        // What the harness loses counts as all that it may have cost.
        calls.Sum(c => c.GetProperty("usdUnanswered").GetDecimal()).ShouldBeInRange(nothing / 1_000_000m, (nothing + (_server.Asked.Sum(a => a.Lost) * 10_000)) / 1_000_000m);
        (calls.Sum(c => c.GetProperty("usd").GetDecimal()) * 1_000_000m).ShouldBe(_server.Tokens.In + _server.Tokens.Out - nothing);
    }

    [NightlyFact("measures a rate, which a busy machine makes meaningless")]
    public async Task Run_TwoWorkersInStorm_SettleNearTheAllowedRate()
    {
        const double rate = 10;
        (_server.Rate, _server.Work) = (rate, TimeSpan.FromMilliseconds(50));
        using var worker = _product.StartGroup("worker", "--queues", "xi-api");
        var said = Task.WhenAll(worker.StandardOutput.ReadToEndAsync(), worker.StandardError.ReadToEndAsync());
        // Both models behind the endpoint: a local one would take both cores and hold calls up that are under way. More shards at once than one worker takes.
        string[] plan = [.. new[] { "languages=[id,sw,tr]", "plan.shardSize=16", "plan.microBatch=16", "plan.window=16" }.SelectMany(s => new[] { "--set", s })];
        await UndisturbedRun.FinishAsync(_product, [.. Both(_server), .. plan]);
        ProductProcess.KillGroup(worker);
        await worker.WaitForExitAsync();
        await said;
        // Both took part.
        var workers = await _product.ReadAsync(
            "select headers ->> 'worker', count(*) from xinstruct.mt_events where type in ('instruction_generated', 'sample_rated') group by 1", r => (Name: r.GetString(0), Count: r.GetInt64(1)));
        workers.Count.ShouldBe(2);
        _server.Asked.ShouldAllBe(a => a.Delivered == 1);
        var times = _server.Admitted.ToArray();
        // It may take a minute to settle. Not the last ones: at the end of a stage there are fewer calls left than may be made.
        var settled = times.Where(t => t > times[0].AddMinutes(1)).SkipLast(20).ToArray();
        settled.Length.ShouldBeGreaterThan(30 * (int)rate);
        var reached = (settled.Length - 1) / (settled[^1] - settled[0]).TotalSeconds;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{reached:F2} of {rate} requests a second, {_server.Asked.Sum(a => a.Requests)} requests for {_server.Asked.Count} prompts, by worker {string.Join(" and ", workers.Select(w => w.Count))}, load {File.ReadAllText("/proc/loadavg")[..14]}"));
        output.WriteLine(string.Join(' ', times.GroupBy(t => (int)(t - times[0]).TotalSeconds).Select(g => $"{g.Key}:{g.Count()}")));
        reached.ShouldBeInRange(rate * 0.9, rate * 1.1);
    }

    private static byte[] Hash(string prompt) => System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(prompt));

    /// <summary>Two tokens, from the eight hex digits in an instruction.</summary>
    private static double[] LogProbabilities(string reply)
    {
        var at = reply.IndexOf("matter ", StringComparison.Ordinal) + 7;
        return at < 7 ? [-1] : [.. new[] { at, at + 2 }.Select(i => -int.Parse(reply.AsSpan(i, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 100.0)];
    }

    /// <summary>A generator's reply depends on the text; the evaluator's too, and now and then it is no score.</summary>
    internal static string Reply(string prompt)
    {
        var hash = Hash(prompt);
        if (!prompt.StartsWith("Judge", StringComparison.Ordinal)) return $"Write a text about matter {Convert.ToHexStringLower(hash)[..8]}.";
        return hash[1] < 10 ? "I cannot say." : $"It is on the subject.\n\nScore: {hash[2] % 6}";
    }

    internal static string[] Api(ChatServer server, string role, params string[] more) =>
    [
        .. new[] { "model=m", $"baseUrl={server.BaseUrl}", "key=XI_TEST_API_KEY", "timeout=2", $"concurrency={Concurrency}" }
            .Concat(more).SelectMany(s => new[] { "--set", $"models.{role}.api.{s}" }),
    ];

    private static string[] Both(ChatServer server) => [.. UndisturbedRun.Small, .. Api(server, "generator"), .. Api(server, "evaluator")];

    private static Task<JsonElement> FinishAsync(ProductProcess product, ChatServer server) => UndisturbedRun.FinishAsync(product, Both(server));

    private static Task KillAsync(ProductProcess product, ChatServer server, int prompts, string[]? options = null) =>
        product.KillAtAsync(server, prompts, ["run", UndisturbedRun.Recipe, "--json", .. options ?? Both(server)]);

    private static long Sum(JsonElement end, string name) =>
        end.GetProperty("ledger").GetProperty("calls").EnumerateArray().Sum(c => c.GetProperty(name).GetInt64());

    /// <summary>Tokens on the events that calls led to.</summary>
    private static async Task<(long In, long Out)> EventTokensAsync(ProductProcess product) => (await product.ReadAsync(
        """
        select coalesce(sum((e.headers ->> 'tokensIn')::bigint), 0)::bigint, coalesce(sum((e.headers ->> 'tokensOut')::bigint), 0)::bigint
        from xinstruct.mt_events e join xinstruct.xi_contents a on a.hash = decode(e.headers ->> 'act', 'hex')
        where convert_from(a.bytes, 'UTF8') like '%"device":"http%'
        """,
        r => (r.GetInt64(0), r.GetInt64(1)))).Single();

    /// <summary>Ledger, events and server agree to the token.</summary>
    private async Task ShouldAgreeAsync(ProductProcess product, JsonElement end)
    {
        (await EventTokensAsync(product)).ShouldBe(_server.Tokens);
        (Sum(end, "tokensIn"), Sum(end, "tokensOut")).ShouldBe(_server.Tokens);
        Sum(end, "calls").ShouldBe(_server.Asked.Sum(a => a.Delivered));
    }

    private async Task ShouldAllEndAsync(ProductProcess product)
    {
        var ends = await product.ReadAsync(
            "select case when data ->> 'kept' is not null then 'kept' else coalesce(data ->> 'rejected', 'nothing') end, count(*) from xinstruct.mt_doc_sample group by 1 order by 1",
            r => (End: r.GetString(0), Count: r.GetInt64(1)));
        output.WriteLine(string.Join(", ", ends.Select(e => $"{e.End} {e.Count}")));
        ends.Select(e => e.End).ShouldBe(["kept", "no-instruction", "not-kept", "not-rated"]);
        ends.Sum(e => e.Count).ShouldBeGreaterThanOrEqualTo(150);
        var reasons = await product.ReadAsync("select distinct data ->> 'reason' from xinstruct.mt_events where type in ('generation_failed', 'rating_failed') order by 1", r => r.GetString(0));
        reasons.ShouldBe(["refused", "unparsed"]);
    }

    /// <summary>In no row of any table and in no file.</summary>
    private async Task ShouldNotHoldKeyAsync()
    {
        (await _product.ReadAsync("select count(*) from xinstruct.xi_run_settings t where t::text like '%XI_TEST_API_KEY%'", r => r.GetInt64(0))).ShouldBe([1]);
        var hex = Convert.ToHexStringLower(Encoding.UTF8.GetBytes(ChatServer.Key));
        foreach (var database in new[] { _product.Postgres, _product.Environment["TEMPORAL_STANDIN_DATABASE"] })
        {
            await using var source = NpgsqlDataSource.Create(database);
            var tables = new List<string>();
            await using (var reader = await source.CreateCommand("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')").ExecuteReaderAsync())
            {
                while (await reader.ReadAsync()) tables.Add(reader.GetString(0));
            }

            tables.ShouldNotBeEmpty();
            foreach (var table in tables)
            {
                await using var command = source.CreateCommand($"select count(*) from {table} t where t::text like '%{ChatServer.Key}%' or t::text like '%{hex}%'");
                (await command.ExecuteScalarAsync()).ShouldBe(0L, table);
            }
        }

        foreach (var file in Directory.EnumerateFiles(_product.Home, "*.log", SearchOption.AllDirectories))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            (await new StreamReader(stream).ReadToEndAsync()).ShouldNotContain(ChatServer.Key);
        }
    }
}
