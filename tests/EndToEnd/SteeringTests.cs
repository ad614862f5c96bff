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

    [Fact]
    public async Task Run_SteeredWhileItIsStopped_TakesWhatHoldsFromItsNextStartAndRefusesTheRest()
    {
        string[] options = [.. UndisturbedRun.Small, "--set", "refine.approve=true"];
        await StartAsync(options);
        await WaitForVerdictAsync(0);
        // Nobody is there to end it: given again it is asked once, and another reason is another request.
        ProductProcess.KillGroup(_worker!);
        foreach (var why in new[] { "enough", "enough", "the machine is needed" }) (await SayAsync("cancel", Run, "--why", why)).Trim().ShouldBe($"{Run} asked to cancel.");
        _worker = _product.StartGroup("worker");
        while ((await StatusAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        var events = await _product.CountEventsAsync();
        (await SayAsync("cancel", Run)).Trim().ShouldBe($"{Run} is cancelled already.");
        foreach (var command in new[] { "pause", "resume", "approve", "reject" })
            (await RefusedAsync(command, Run)).ShouldContain($"no run {Run} under way");
        (await _product.CountEventsAsync()).ShouldBe(events);
        (await SayAsync("steer", Run, "--set", "concurrency=1", "--why", "the machine is needed")).ShouldContain("The run is not under way; it holds when the command that started it is given again.");
        (await SayAsync("status", Run)).ShouldContain("concurrency=1");
        var (code, output, error) = await _product.RunAsync(["run", UndisturbedRun.Recipe, "--id", Run, "--detach", .. options]);
        code.ShouldBe(0, output + error);
        // It waits for its verdict again, and now it can be given, once it has started.
        await WaitForVerdictAsync(0);
        while ((await _product.RunAsync("approve", Run)) is { Code: not 0 } refused) refused.Error.ShouldMatch("Try again in a moment|waits for no verdict now");
        while ((await StatusAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        (await StatusAsync()).GetProperty("status").GetString().ShouldBe("completed");
        (await SteeredAsync()).ShouldBe(["cancel", "cancel", "set", "approve"]);
    }

    [Fact]
    public async Task Job_PausedByItsId_HoldsItsNextPartsUntilItIsResumed()
    {
        // More parts than are begun at once.
        const int answers = 90;
        await using var server = await ChatServer.StartAsync();
        server.Reply = _ => "Score: 4";
        // Slow, until somebody has had the time to say so.
        server.Work = TimeSpan.FromSeconds(2);
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        var recipe = Path.Combine(_product.Home, "judge.yaml");
        File.WriteAllLines(Path.Combine(_product.Home, "answers.jsonl"), Enumerable.Range(0, answers).Select(i => $$"""{"question_id":"{{i}}","text":"Question {{i}}?","output":"Answer {{i}}."}"""));
        File.WriteAllText(recipe, $$"""
            name: paused
            form: single
            partSize: 1
            answers: [{ model: ours, path: answers.jsonl }]
            judges: [{ name: one, api: { model: m, baseUrl: {{server.BaseUrl}}, key: XI_TEST_API_KEY, concurrency: 2 } }]
            """);
        var job = JsonDocument.Parse((await SayAsync("judge", recipe, "--detach", "--json")).TrimEnd().Split('\n')[^1]).RootElement.GetProperty("job").GetString()!;
        _worker = _product.StartGroup("worker");
        while (server.Asked.Count == 0) await Task.Delay(5);
        (await SayAsync("pause", job, "--why", "the key is needed elsewhere")).Trim().ShouldBe($"Job {job} paused.");
        server.Work = TimeSpan.Zero;
        async Task<JsonElement> JobAsync() => JsonDocument.Parse(await SayAsync("status", job, "--json")).RootElement;
        // What had begun ends, and nothing else begins.
        JsonElement status;
        do status = await JobAsync();
        while (!status.TryGetProperty("progress", out var at) || at.GetProperty("done").GetInt32() < server.Asked.Count);
        var asked = server.Asked.Count;
        asked.ShouldBeLessThan(answers);
        (status.GetProperty("kind").GetString(), status.GetProperty("does").GetString(), status.GetProperty("progress").GetProperty("parts").GetInt32(), status.GetProperty("progress").GetProperty("paused").GetBoolean()).ShouldBe(("job", "judge", answers, true));
        status.GetProperty("stages").EnumerateArray().Select(s => s.GetString()).ShouldBe(["collect"]);
        status.GetProperty("calls").EnumerateArray().Single().GetProperty("calls").GetInt32().ShouldBe(asked);
        var wait = status.GetProperty("waits").EnumerateArray().ShouldHaveSingleItem();
        wait.GetProperty("kind").GetString().ShouldBe("paused");
        wait.GetProperty("sentence").GetString()!.ShouldMatch($"^{Environment.UserName} paused the job at .*: the key is needed elsewhere\\.$");
        wait.GetProperty("remedy").GetString().ShouldBe($"xinstruct resume {job}");
        (await RefusedAsync("pause", job)).ShouldContain("The job is paused already.");
        (await RefusedAsync("steer", job, "--set", "concurrency=1")).ShouldContain($"There is no run {job}");
        // Also without anybody there, and after it.
        ProductProcess.KillGroup(_worker);
        _worker = _product.StartGroup("worker");
        (await SayAsync("status")).ShouldContain("running, paused");
        server.Asked.Count.ShouldBe(asked);
        (await SayAsync("resume", job)).Trim().ShouldBe($"Job {job} resumed.");
        while ((status = await JobAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        status.GetProperty("status").GetString().ShouldBe("completed");
        status.GetProperty("steered").EnumerateArray().Select(s => s.GetProperty("command").GetString()).ShouldBe(["pause", "resume"]);
        status.GetProperty("waits").GetArrayLength().ShouldBe(0);
        server.Asked.Count.ShouldBe(answers);
        server.Asked.ShouldAllBe(a => a.Requests == 1);
        (await SayAsync("status", job)).ShouldContain($"{job} job (judge) completed in ");
        (await RefusedAsync("status", "nobody")).ShouldContain("There is no run, job, chain or training nobody.");
    }

    [Fact]
    public async Task Training_PausedByItsId_GoesOnFromItsLastCheckpoint()
    {
        string[] command = ["train", "sft", Path.Combine(Tests.SharedData.Root, "samples/recipes/train-tiny.yaml"), "--set", "schedule.steps=120", "--set", "checkpoints.steps=5", "--json"];
        var training = JsonDocument.Parse((await SayAsync([.. command, "--detach"])).TrimEnd().Split('\n')[^1]).RootElement.GetProperty("training").GetString()!;
        _worker = _product.StartGroup("worker");
        await _product.WaitForEventsAsync(_worker, 3);
        (await SayAsync("pause", training)).Trim().ShouldBe($"Training {training} paused.");
        async Task<JsonElement> TrainingAsync() => JsonDocument.Parse(await SayAsync("status", training, "--json")).RootElement;
        var status = await TrainingAsync();
        (status.GetProperty("kind").GetString(), status.GetProperty("status").GetString()).ShouldBe(("training", "running"), status.ToString());
        status.GetProperty("waits").EnumerateArray().ShouldHaveSingleItem().GetProperty("sentence").GetString()!.ShouldStartWith($"{Environment.UserName} paused the training at ");
        var step = status.GetProperty("checkpoint").GetProperty("step").GetInt32();
        step.ShouldBeInRange(5, 119);
        (await SayAsync("resume", training)).Trim().ShouldBe($"Training {training} resumed.");
        while ((status = await TrainingAsync()).GetProperty("status").GetString() == "running") await Task.Delay(50);
        status.GetProperty("status").GetString().ShouldBe("completed");
        (await _product.ReadAsync("select count(*) from xinstruct.mt_events where type = 'model_checkpoint_saved' group by data ->> 'step'", r => r.GetInt64(0))).ShouldAllBe(n => n == 1);
        // The bytes of one that nobody paused.
        await using var other = await ProductProcess.CreateAsync();
        var (code, output, error) = await other.RunAsync(command);
        code.ShouldBe(0, output + error);
        status.GetProperty("result").GetString().ShouldBe(JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("model").GetString());
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

    private Task<string> SayAsync(params string[] args) => _product.SayAsync(args);

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
