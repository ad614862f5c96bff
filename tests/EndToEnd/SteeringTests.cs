using System.Diagnostics;
using System.Text.Json;
using XInstruct.EndToEnd.Endpoints;

namespace XInstruct.EndToEnd;

/// <summary>Runs that people change, hold back, look at and judge while they are under way.</summary>
public sealed class SteeringTests : IAsyncLifetime
{
    private const string Run = "steered";
    private static readonly string[] Loop = [.. UndisturbedRun.Small, "--set", "refine.iterations=1"];
    private ProductProcess _product = null!;
    private Process? _worker;

    public async Task InitializeAsync() => _product = await ProductProcess.CreateAsync();

    public async Task DisposeAsync()
    {
        if (_worker is { HasExited: false }) ProductProcess.KillGroup(_worker);
        await _product.DisposeAsync();
    }

    [Fact]
    public async Task Run_PausedSteeredCancelledAndStartedAgain_SealsTheSameRelease()
    {
        await StartAsync(Loop);
        await PageAsync("pause");
        await PageAsync("steer", "concurrency=1");
        (await RefusedAsync("steer", Run, "--set", "refine.keep=[0.5]")).ShouldContain($"xinstruct fork {Run} RECIPE --from generate --set refine.keep=[0.5]");
        (await RefusedAsync(["run", UndisturbedRun.Recipe, "--detach", .. UndisturbedRun.Small, "--set", "refine.iterations=2"]))
            .ShouldSatisfyAllConditions(e => e.ShouldContain("refine.iterations was 1, is 2"), e => e.ShouldContain("--new"), e => e.ShouldContain($"fork {Run}"));
        (await RefusedAsync(["run", UndisturbedRun.Recipe, "--id", Run, "--detach", .. Loop, "--set", "seed=7"])).ShouldContain("seed was 1, is 7");
        (await PageAsync("status")).ShouldContain("look first");
        var status = await StatusAsync();
        status.GetProperty("paused")[0].ShouldSatisfyAllConditions(p => p.GetProperty("stage").GetString().ShouldBe("rate"), p => p.GetProperty("why").GetString().ShouldBe("look first"));
        (await _product.RunAsync("status")).Output.ShouldContain("running, paused: rate, keep of sw");
        await PageAsync("resume");
        // In the middle of the second iteration: samples have moved on from what the first one kept.
        while ((await _product.ReadAsync("select count(*) from xinstruct.mt_events where type = 'instruction_revised'", r => r.GetInt64(0)))[0] == 0) await Task.Delay(20);
        await SayAsync("cancel", Run, "--why", "enough for today");
        while ((await StatusAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        ProductProcess.KillGroup(_worker!);
        var end = await UndisturbedRun.FinishAsync(_product, ["--id", Run, .. Loop]);

        await using var other = await ProductProcess.CreateAsync();
        var undisturbed = await UndisturbedRun.FinishAsync(other, Loop);
        end.GetProperty("release").GetProperty("sha256").GetString().ShouldBe(undisturbed.GetProperty("release").GetProperty("sha256").GetString());
        (await SteeredAsync()).ShouldBe(["pause", "pause", "set", "resume", "resume", "cancel"]);
        (await SayAsync("audit", "show", Run)).ShouldContain("enough for today");
        (await RefusedAsync("steer", Run, "--set", "concurrency=2")).ShouldContain("release is sealed");
        var audit = await _product.RunAsync("audit", "verify");
        audit.Code.ShouldBe(0, audit.Output);
    }

    [Fact]
    public async Task Run_RejectedIteration_ReleasesWhatTheOneBeforeGave()
    {
        await StartAsync([.. Loop, "--set", "refine.approve=true"]);
        await WaitForVerdictAsync(0);
        // Nobody is there for a while.
        ProductProcess.KillGroup(_worker!);
        _worker = _product.StartGroup("worker");
        (await _product.RunAsync("status", Run)).Output.ShouldContain($"xinstruct approve {Run}");
        await PageAsync("approve");
        await WaitForVerdictAsync(1);
        await PageAsync("reject");
        while ((await StatusAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        var rejected = await RowsAsync(await StatusAsync());
        var once = await RowsAsync(await UndisturbedRun.FinishAsync(_product, [.. UndisturbedRun.Small, "--new"]));
        rejected.ShouldBe(once);
        (await SteeredAsync()).ShouldBe(["approve", "reject"]);
        (await _product.ReadAsync("select count(*) from xinstruct.mt_events where type = 'sample_restored'", r => r.GetInt64(0)))[0].ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Run_FailedSamples_AreTriedAgainByReason()
    {
        await using var server = await ChatServer.StartAsync();
        var isSilent = true;
        server.Reply = prompt => isSilent && ApiRunTests.Reply(prompt)[^2] is '0' or '1' ? "" : ApiRunTests.Reply(prompt);
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        await StartAsync([.. UndisturbedRun.Small, .. ApiRunTests.Api(server, "generator")]);
        await SayAsync("pause", Run, "--stage", "keep");
        var (failed, language) = (0L, "");
        while ((await StatusAsync()).GetProperty("samples").GetProperty("texts").GetInt64() is 0 || (await RatedAsync()) == 0) await Task.Delay(50);
        var listed = JsonDocument.Parse((await _product.RunAsync("retry", Run, "--json")).Output).RootElement.GetProperty("failures").EnumerateArray().Single();
        (failed, language) = (listed.GetProperty("samples").GetInt64(), listed.GetProperty("language").GetString()!);
        (listed.GetProperty("stage").GetString(), listed.GetProperty("reason").GetString(), language).ShouldBe(("generate", "empty", "sw"));
        (await RefusedAsync("retry", Run, "--reason", "timeout")).ShouldContain("Reasons: empty.");
        isSilent = false;
        await PageAsync("steer", "generator.");
        (await PageAsync("retry")).ShouldContain($"{failed} samples are tried again");
        await SayAsync("resume", Run, "--all");
        while ((await StatusAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        (await StatusAsync()).TryGetProperty("failures", out _).ShouldBeFalse();
        var histories = await _product.ReadAsync(
            "select string_agg(type, ' ' order by version) from xinstruct.mt_events where stream_id in (select stream_id from xinstruct.mt_events where type = 'failure_reopened') group by stream_id", r => r.GetString(0));
        histories.Count.ShouldBe((int)failed);
        histories.ShouldAllBe(h => h.StartsWith("text_accepted generation_failed failure_reopened instruction_generated sample_rated"));
        // What was set stands in the act of what came after it, and nowhere before.
        (await _product.ReadAsync("""
            select distinct e.type || ' ' || ((convert_from(c.bytes, 'UTF8')::jsonb ->> 'sampling')::jsonb ->> 'temperature') from xinstruct.mt_events e join xinstruct.xi_contents c on encode(c.hash, 'hex') = e.headers ->> 'act'
            where e.type in ('generation_failed', 'instruction_generated') and exists (select from xinstruct.mt_events r where r.stream_id = e.stream_id and r.type = 'failure_reopened')
            """, r => r.GetString(0))).ShouldBe(["generation_failed 0", "instruction_generated 0.9"], ignoreOrder: true);
        (await RefusedAsync("retry", Run, "--all")).ShouldContain($"xinstruct fork {Run}");
    }

    /// <summary>Runs the commands of docs/steering.md with a verb, each in its turn.</summary>
    private async Task<string> PageAsync(string verb, string with = "")
    {
        var page = await File.ReadAllLinesAsync(Path.Combine(Tests.SharedData.Root, "docs", "steering.md"));
        var lines = page.Where(l => l.StartsWith($"./xinstruct {verb} ", StringComparison.Ordinal) && l.Contains(with, StringComparison.Ordinal)).ToList();
        lines.ShouldNotBeEmpty(verb);
        var said = "";
        foreach (var line in lines)
        {
            said = await SayAsync([.. System.Text.RegularExpressions.Regex.Matches(line, "\"[^\"]*\"|[^ \"]+", default, TimeSpan.FromSeconds(1)).Skip(1).Select(m => m.Value.Trim('"'))]);
            // What the page says that a command answers, it answers.
            if (Array.IndexOf(page, $"$ {line}") is > 0 and var at) said.Trim().ShouldBe(page[at + 1]);
        }

        return said;
    }

    private async Task StartAsync(string[] options)
    {
        var (code, output, error) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--id", Run, "--detach", .. options]);
        code.ShouldBe(0, error + output);
        _worker = _product.StartGroup("worker");
        while (await _product.CountEventsAsync() == 0) await Task.Delay(20);
    }

    private async Task<string> SayAsync(params string[] args)
    {
        var (code, output, error) = await _product.RunAsync(args);
        code.ShouldBe(0, error + output);
        return output;
    }

    private async Task<string> RefusedAsync(params string[] args)
    {
        var (code, output, error) = await _product.RunAsync(args);
        code.ShouldBe(2, output + error);
        return error;
    }

    private async Task<JsonElement> StatusAsync() => JsonDocument.Parse(await SayAsync("status", Run, "--json")).RootElement;

    private async Task WaitForVerdictAsync(int iteration)
    {
        while (!(await StatusAsync()).TryGetProperty("waitsFor", out var waits) || waits.GetInt32() != iteration) await Task.Delay(50);
    }

    /// <summary>Ends of rating: the stage of the only language.</summary>
    private async Task<long> RatedAsync() => await _product.ReadAsync(
        "select count(*) from xinstruct.mt_doc_sample where data ->> 'instruction' is not null having bool_and((data ->> 'rated')::int >= 0)", r => r.GetInt64(0)) is [var rated] ? rated : 0;

    private async Task<IEnumerable<string?>> SteeredAsync() => JsonDocument.Parse(await SayAsync("audit", "show", Run, "--json")).RootElement
        .GetProperty("entries").EnumerateArray().Where(e => e.GetProperty("type").GetString() == "run_steered").Select(e => e.GetProperty("data").GetProperty("command").GetString());

    /// <summary>What a release holds, but for the length of each sample's history.</summary>
    private static async Task<IReadOnlyList<string>> RowsAsync(JsonElement report) =>
        [.. (await File.ReadAllLinesAsync(Path.Combine(report.GetProperty("release").GetProperty("path").GetString()!, "sw.jsonl")))
            .Select(line => System.Text.RegularExpressions.Regex.Replace(line, "\"version\":[0-9]+,\"source\":\"[^\"]*\"", "", default, TimeSpan.FromSeconds(1)))];
}
