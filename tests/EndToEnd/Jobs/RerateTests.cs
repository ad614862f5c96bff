using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.EndToEnd.Endpoints;

namespace XInstruct.EndToEnd.Jobs;

/// <summary><c>xinstruct rerate</c> as a user runs it, on a finished run and on one under way: a judge behind an endpoint that fails and is killed on, and a local one.</summary>
public sealed partial class RerateTests : IAsyncLifetime
{
    private const int Concurrency = 4;
    private const string Verdicts = "select count(*) from xinstruct.mt_events where type = 'sample_rerated'";

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-rerate-").FullName;
    private ProductProcess _product = null!;
    private ChatServer _server = null!;
    private string[] _options = [];
    private JsonElement _run;

    private string Run => _run.GetProperty("run").GetString()!;

    public async Task InitializeAsync()
    {
        _product = await ProductProcess.CreateAsync();
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        _server = await ChatServer.StartAsync();
        _server.Reply = prompt => prompt.StartsWith("Second", StringComparison.Ordinal) ? $"Of {prompt.Length} characters.\nScore: {(prompt.Length % 11 == 0 ? 9 : prompt.Length % 6)}" : ApiRunTests.Reply(prompt);
        _options = [.. UndisturbedRun.Small, .. ApiRunTests.Api(_server, "generator"), .. ApiRunTests.Api(_server, "evaluator")];
        _run = await UndisturbedRun.FinishAsync(_product, _options);
        _server.Forget();
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _product.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Rerate_FaultsAndKills_PaysNothingTwiceAndLeavesTheRunAsItIs()
    {
        Write();
        var (code, output, error) = await _product.RunAsync("rerate", In("second.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var whole = End(output);
        var pairs = _server.Asked.Count;
        pairs.ShouldBeGreaterThan(60);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);

        // The same by another name, and in a bad hour.
        _server.Forget();
        _server.Faults = (prompt, before) => before > 0 ? Fault.None : (prompt.Length % 17) switch { 0 => Fault.Error, 5 => Fault.Early, 9 => Fault.Cut, _ => Fault.None };
        string[] command = ["rerate", In("second.yaml"), "--set", "name=again", "--set", "judge.api.usdPerMillionIn=1000", "--set", "judge.api.usdPerMillionOut=1000", "--set", "budget.usd=10000", "--json"];
        int[] kills = [pairs / 5, pairs / 2];
        foreach (var prompts in kills) await _product.KillAtAsync(_server, prompts, command);

        (await _product.ReadAsync(Verdicts, r => r.GetInt64(0)))[0].ShouldBeInRange(pairs + 1, (2 * pairs) - 1);
        (code, output, error) = await _product.RunAsync(command);
        code.ShouldBe(0, output + error);
        foreach (var file in new[] { "ratings.jsonl", "results.json" })
            (await File.ReadAllTextAsync(Path.Combine(Folder(output), file))).ShouldBe(await File.ReadAllTextAsync(Path.Combine(whole.GetProperty("output").GetString()!, file)));
        _server.Asked.Count.ShouldBe(pairs);
        _server.Asked.ShouldAllBe(a => a.Delivered >= 1);
        _server.Asked.Sum(a => a.Delivered - 1).ShouldBeLessThanOrEqualTo(kills.Length * Concurrency);
        // One verdict a pair and job, ledger and events agree, and no reservation is left.
        (await _product.ReadAsync("select count(*) from xinstruct.mt_events where type = 'sample_rerated' group by data ->> 'job', stream_id", r => r.GetInt64(0))).ShouldAllBe(n => n == 1);
        var job = End(output).GetProperty("job").GetString();
        var paid = await _product.ReadAsync(
            $"select count(*), sum((headers ->> 'tokensIn')::bigint)::bigint, sum((headers ->> 'usd')::numeric) from xinstruct.mt_events where type = 'sample_rerated' and data ->> 'job' = '{job}'",
            r => (Count: r.GetInt64(0), Tokens: r.GetInt64(1), Usd: r.GetDecimal(2)));
        paid[0].Count.ShouldBe(pairs);
        paid[0].Usd.ShouldBeGreaterThan(0);
        (await _product.ReadAsync($"select sum(tokens_in)::bigint, sum(spent) from xinstruct.xi_budgets where stage <> '' and run = '{job}'", r => (r.GetInt64(0), r.GetDecimal(1)))).ShouldBe([(paid[0].Tokens, paid[0].Usd)]);
        (await _product.ReadAsync("select count(*) from xinstruct.xi_calls", r => r.GetInt64(0))).ShouldBe([0]);

        // What the run is, has and cost is what it was.
        (await _product.RunAsync("audit", "verify")).ShouldSatisfyAllConditions(v => v.Code.ShouldBe(0, v.Output));
        var status = JsonDocument.Parse((await _product.RunAsync("status", Run, "--json")).Output).RootElement;
        foreach (var part in new[] { "release", "samples", "ledger" }) status.GetProperty(part).GetRawText().ShouldBe(_run.GetProperty(part).GetRawText(), part);
        (await _product.RunAsync("release", "rebuild", Run, "--out", In("rebuilt"))).Code.ShouldBe(0);
        var sample = File.ReadLines(Path.Combine(Folder(output), "ratings.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).First(r => r.TryGetProperty("second", out _)).GetProperty("sample").GetString()!;
        var trail = JsonDocument.Parse((await _product.RunAsync("audit", "show", sample, "--json", "--prompts")).Output).RootElement.GetProperty("entries").EnumerateArray().ToList();
        trail.Count(e => e.GetProperty("type").GetString() == "sample_rated").ShouldBe(1);
        var second = trail.Where(e => e.GetProperty("type").GetString() == "sample_rerated").ToList();
        second.Select(e => e.GetProperty("data").GetProperty("job").GetString()).ShouldBe([whole.GetProperty("job").GetString(), job]);
        second[0].GetProperty("prompt").GetString()!.ShouldContain("Second");
        second[0].GetProperty("act").GetProperty("device").GetString()!.ShouldEndWith(" other-model");
        (await _product.RunAsync("audit", "replay", sample)).Output.ShouldContain($"by other, job {job}");
    }

    [Fact]
    public async Task Rerate_RunUnderWay_RatesWhatIsRatedAndChangesNothingThatComesAfter()
    {
        const string run = "under-way";
        // Slow, until somebody has had the time to say so.
        _server.Work = TimeSpan.FromSeconds(2);
        await _product.SayAsync(["run", UndisturbedRun.Recipe, "--id", run, "--detach", .. _options]);
        using var worker = _product.StartGroup("worker");
        try
        {
            await _product.SayAsync("pause", run, "--stage", "diversify");
            _server.Work = TimeSpan.Zero;
            while (await CountAsync("iteration_completed") == 0) await Task.Delay(50);
            var rated = await CountAsync("sample_rated");
            Write();
            var line = End(await _product.SayAsync("rerate", In("second.yaml"), "--set", $"run={run}", "--json")).GetProperty("summary").GetProperty("agreement").EnumerateArray().ShouldHaveSingleItem();
            (line.GetProperty("pairs").GetInt64() + line.GetProperty("unread").GetInt64()).ShouldBe(rated);
            (await CountAsync("sample_rerated"), await CountAsync("sample_selected")).ShouldBe((rated, 0));
            await _product.SayAsync("resume", run, "--all");
            while (JsonDocument.Parse(await _product.SayAsync("status", run, "--json")).RootElement.GetProperty("status").GetString() == "running") await Task.Delay(50);
        }
        finally
        {
            ProductProcess.KillGroup(worker);
        }

        // Selected on streams that hold a second verdict: the release is that of the run without one.
        (await CountAsync("sample_selected")).ShouldBeGreaterThan(0);
        JsonDocument.Parse(await _product.SayAsync("status", run, "--json")).RootElement.GetProperty("release").GetProperty("sha256").GetString()
            .ShouldBe(_run.GetProperty("release").GetProperty("sha256").GetString());
        await _product.SayAsync("release", "rebuild", run, "--out", In("rebuilt"));
        await _product.SayAsync("audit", "verify");

        async Task<long> CountAsync(string type) =>
            (await _product.ReadAsync($"select count(*) from xinstruct.mt_events where type = '{type}' and headers ->> 'run' = '{run}'", r => r.GetInt64(0)))[0];
    }

    [Fact]
    public async Task Rerate_Agreement_IsThatOfTheVerdictsInTheLog()
    {
        Write();
        var (code, output, error) = await _product.RunAsync("rerate", In("second.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var rows = await _product.ReadAsync(
            """
            select (f.data ->> 'level')::int, coalesce((s.data ->> 'level')::int, -1) from xinstruct.mt_events f join xinstruct.mt_events s using (stream_id)
            where f.type = 'sample_rated' and s.type = 'sample_rerated'
            """,
            r => (First: r.GetInt32(0), Second: r.GetInt32(1)));
        var read = rows.Where(r => r.Second >= 0).ToList();
        read.Count.ShouldBeLessThan(rows.Count);
        var line = End(output).GetProperty("summary").GetProperty("agreement").EnumerateArray().ShouldHaveSingleItem();
        (line.GetProperty("pairs").GetInt32(), line.GetProperty("unread").GetInt32()).ShouldBe((read.Count, rows.Count - read.Count));
        line.GetProperty("exact").GetDouble().ShouldBe(read.Average(r => r.First == r.Second ? 1.0 : 0), 1e-12);
        // Cohen 1968, over pairs of verdicts: what was found to what all firsts and all seconds would give.
        var chance = read.Average(a => read.Average(b => Math.Pow(a.First - b.Second, 2)));
        line.GetProperty("kappa").GetDouble().ShouldBe(1 - (read.Average(r => Math.Pow(r.First - r.Second, 2)) / chance), 1e-9);
        line.GetProperty("confusion").EnumerateArray().Select(r => r.EnumerateArray().Select(n => n.GetInt32()).ToArray())
            .ShouldBe(Enumerable.Range(0, 3).Select(f => Enumerable.Range(0, 3).Select(s => read.Count(r => r == (f, s))).ToArray()));
        End(output).GetProperty("summary").GetProperty("unread").GetProperty("unparsed").GetInt32().ShouldBe(rows.Count - read.Count);
        (await File.ReadAllTextAsync(Path.Combine(Folder(output), "report.html"))).ShouldContain("quadratic weights");
    }

    [Fact]
    public async Task Rerate_LocalModelOnTheReleaseAndBadRecipes_RatesItOrSaysWhyNot()
    {
        File.WriteAllText(In("local.yaml"), $$"""
            name: local
            run: {{Run}}
            pairs: released
            judge: { name: tiny, path: {{Path.Combine(Tests.SharedData.Root, "samples/models/tiny")}}, prompt: short.md, maxTextTokens: 32 }
            """);
        File.WriteAllText(In("short.md"), "{text} {instruction} ");
        var (code, output, error) = await _product.RunAsync("rerate", In("local.yaml"));
        code.ShouldBe(0, output + error);
        var selected = _run.GetProperty("samples").GetProperty("selected").GetInt64();
        output.ShouldContain($"all: {selected} pairs with both verdicts; the same level in ");
        _server.Asked.ShouldBeEmpty();
        (await _product.ReadAsync("select count(*), count(distinct headers ->> 'act') from xinstruct.mt_events where type = 'sample_rerated' and (headers ->> 'tokensIn')::int > 4", r => (r.GetInt64(0), r.GetInt64(1)))).ShouldBe([(selected, 1)]);
        // Attached to what has ended.
        (await _product.RunAsync("rerate", In("local.yaml"))).Output.ShouldContain("pairs with both verdicts");
        (await _product.ReadAsync(Verdicts, r => r.GetInt64(0))).ShouldBe([selected]);
        (code, output, error) = await _product.RunAsync("rerate", In("local.yaml"), "--set", "run=nobody-1a2b3c4d");
        code.ShouldBe(2, output + error);
        (output + error).ShouldContain("There is no run nobody-1a2b3c4d");
        (code, _, error) = await _product.RunAsync("rerate", In("local.yaml"), "--check", "--set", "judge.api.model=m");
        code.ShouldBe(2);
        error.ShouldContain("judge: Say where the model is (judge.path), or behind which endpoint (judge.api), and not both.");
    }

    [Fact]
    public async Task Rerate_RecipeOfItsPage_PrintsWhatThePageShows()
    {
        _server.Reply = prompt => prompt.Length % 3 == 0 ? $"Score: {prompt.Length % 6}" : ApiRunTests.Reply(prompt);
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "rerating.md"));
        var recipe = Block().Matches(page).Single(m => m.Groups["text"].Value.StartsWith("# A recipe of 'xinstruct rerate'", StringComparison.Ordinal)).Groups["text"].Value;
        File.WriteAllText(In("second.yaml"), recipe.Replace("OPENAI_API_KEY", $"XI_TEST_API_KEY, baseUrl: \"{_server.BaseUrl}\"", StringComparison.Ordinal).Replace("demo-1a2b3c4d", Run, StringComparison.Ordinal));
        var (code, output, error) = await _product.RunAsync("rerate", In("second.yaml"));
        code.ShouldBe(0, output + error);
        var told = string.Join('\n', output.Split('\n').SkipWhile(l => !l.StartsWith("all: ", StringComparison.Ordinal)).TakeWhile(l => !l.StartsWith("Result", StringComparison.Ordinal)));
        page.ShouldContain(told);
    }

    private static JsonElement End(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static string Folder(string output) => End(output).GetProperty("output").GetString()!;

    private string In(string name) => Path.Combine(_folder, name);

    private void Write()
    {
        File.WriteAllText(In("second.md"), "Second. {language}\n{instruction}\n{text}\n");
        File.WriteAllText(In("second.yaml"), string.Create(CultureInfo.InvariantCulture, $$"""
            name: second
            run: {{Run}}
            partSize: 16
            judge:
              name: other
              prompt: second.md
              api: { model: other-model, baseUrl: {{_server.BaseUrl}}, key: XI_TEST_API_KEY, concurrency: {{Concurrency}} }
            """));
    }

    [GeneratedRegex("```[a-z]*\n(?<text>.*?)```", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1000)]
    private static partial Regex Block();
}
