using System.Text.Json;

namespace XInstruct.EndToEnd.Jobs;

/// <summary><c>xinstruct chain</c> as a user runs it.</summary>
public sealed class ChainTests : IDisposable
{
    private static readonly string Samples = Path.Combine(Tests.SharedData.Root, "samples");
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-chain-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Chain_KilledOnItsWay_GivesTheBytesOfAnUndisturbedOne()
    {
        WriteChain();
        string[] command = ["chain", In("chain.yaml"), "--json"];
        await using var whole = await ProductProcess.CreateAsync();
        var (code, output, error) = await whole.RunAsync(command);
        code.ShouldBe(0, output + error);
        var expected = Files(Last(output));
        expected.Keys.ShouldContain("report.html");
        expected.Keys.ShouldContain("evaluation/items.jsonl");
        var (events, steps) = (await whole.CountEventsAsync(), Steps(output));
        string[] all = ["generate", "curate", "without", "with", "evaluate"];
        // Who looks now and then may miss a short one, and does when answers are lost.
        steps.ShouldBe(FaultInjection.Seed is null ? all : [.. all.Where(steps.Contains)], ignoreOrder: false);

        await using var killed = await ProductProcess.CreateAsync();
        await killed.KillAtAsync(events - 12, command);

        (code, output, error) = await killed.RunAsync(command);
        code.ShouldBe(0, output + error);
        Files(Last(output)).ShouldBe(expected);
        (await killed.CountEventsAsync()).ShouldBe(events);
        (await killed.RunAsync("audit", "verify")).Code.ShouldBe(0);

        // The answer is the evaluation's, and the one model read what the other did not.
        var answer = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Last(output).GetProperty("output").GetString()!, "chain.json"))).RootElement;
        answer.GetProperty("verdict").GetString().ShouldBe(Last(output).GetProperty("verdict").GetString());
        answer.GetProperty("with").GetProperty("tokens").GetInt64().ShouldBeGreaterThan(answer.GetProperty("without").GetProperty("tokens").GetInt64());
        answer.GetProperty("with").GetProperty("base").GetString().ShouldBe(answer.GetProperty("without").GetProperty("base").GetString());
        answer.GetProperty("newRows").GetInt64().ShouldBeGreaterThan(0);
        answer.GetProperty("languages").EnumerateArray().Select(l => l.GetProperty("language").GetString()).ShouldBe(["fi", "sw"]);
    }

    [Fact]
    public async Task Chain_PausedByItsId_HoldsItsStepTooAndSaysSo()
    {
        WriteChain();
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, error) = await product.RunAsync("chain", In("chain.yaml"), "--detach", "--json");
        code.ShouldBe(0, output + error);
        var chain = Last(output).GetProperty("chain").GetString()!;
        using var worker = product.StartGroup("worker");
        try
        {
            JsonElement status;
            await product.WaitForEventsAsync(worker, 3);
            // Its first step is under way.
            do status = Last((await product.RunAsync("status", chain, "--json")).Output);
            while (!status.TryGetProperty("progress", out var at) || !at.TryGetProperty("workflow", out _));
            var step = status.GetProperty("progress").GetProperty("workflow").GetString()!;
            (status.GetProperty("kind").GetString(), status.GetProperty("status").GetString(), status.GetProperty("progress").GetProperty("steps").GetInt32()).ShouldBe(("chain", "running", 5));
            status.GetProperty("waits").GetArrayLength().ShouldBe(0);
            (code, output, error) = await product.RunAsync("pause", chain, "--why", "the GPU is needed elsewhere");
            code.ShouldBe(0, error);
            output.ShouldSatisfyAllConditions(o => o.ShouldContain($"Chain {chain} paused."), o => o.ShouldContain($"Run {step} paused."));
            (code, output, error) = await product.RunAsync("status", chain);
            output.ShouldSatisfyAllConditions(
                o => o.ShouldMatch($@"waits\s+{Environment.UserName} paused the chain at [0-9:]+: the GPU is needed elsewhere\."), o => o.ShouldContain("paused the run at"), o => o.ShouldContain($"xinstruct resume {chain}"), o => o.ShouldContain("· paused"));
            (code, output, error) = await product.RunAsync("pause", chain, "--language", "sw");
            code.ShouldBe(2, output);
            error.ShouldContain("paused and resumed as a whole");
            (code, output, error) = await product.RunAsync("resume", chain);
            code.ShouldBe(0, error);
            output.ShouldSatisfyAllConditions(o => o.ShouldContain($"Chain {chain} resumed."), o => o.ShouldContain($"Run {step} resumed."));
            var events = await product.CountEventsAsync();
            await product.WaitForEventsAsync(worker, events + 10);
            Last((await product.RunAsync("status", chain, "--json")).Output).GetProperty("waits").GetArrayLength().ShouldBe(0);
        }
        finally
        {
            ProductProcess.KillGroup(worker);
        }
    }

    [Theory]
    [InlineData("train: none.yaml", "train: No file")]
    [InlineData("evaluate: models.yaml", "evaluate: ")]
    [InlineData("curate: bad.yaml", "bad.yaml:3:1: lengthGruops: Unknown key. Did you mean 'lengthGroups'?")]
    public async Task Chain_BadRecipe_NamesThePlace(string line, string problem)
    {
        WriteChain();
        File.WriteAllText(In("models.yaml"), File.ReadAllText(In("evaluate.yaml")) + $"\nmodels: [{{ name: a, path: {Samples}/models/tiny }}]\n");
        File.WriteAllText(In("bad.yaml"), "name: bad\nperplexity: { none: true }\nlengthGruops: 2\n");
        var key = line[..line.IndexOf(':', StringComparison.Ordinal)];
        File.WriteAllLines(In("chain.yaml"), File.ReadAllLines(In("chain.yaml")).Select(l => l.StartsWith(key + ":", StringComparison.Ordinal) ? line : l));
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("chain", In("chain.yaml"), "--check");
        code.ShouldBe(2);
        error.ShouldContain(problem);
    }

    [Fact]
    public async Task Chain_OfTheSamples_IsGoodAndIsItsPages()
    {
        var sample = Path.Combine(Samples, "recipes", "chain.yaml");
        Keys(await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "chain.md"))).ShouldBe(Keys(await File.ReadAllTextAsync(sample)));
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, error) = await product.RunAsync("chain", sample, "--check");
        code.ShouldBe(0, output + error);

        static List<string> Keys(string text) =>
            [.. text.Split('\n').Where(l => l.Contains(": ../", StringComparison.Ordinal)).Select(l => l.Split('#')[0].TrimEnd())];
    }

    private static JsonElement Last(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static List<string> Steps(string output) =>
        [.. output.TrimEnd().Split('\n').Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("workflow", out _)).Select(l => l.GetProperty("step").GetString()!).Distinct()];

    private static SortedDictionary<string, string> Files(JsonElement end)
    {
        var folder = end.GetProperty("output").GetString()!;
        return new SortedDictionary<string, string>(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllText), StringComparer.Ordinal);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private void WriteChain()
    {
        File.WriteAllText(In("chain.yaml"), "name: small\nrun: run.yaml\ncurate: curate.yaml\ntrain: train.yaml\nevaluate: evaluate.yaml\n");
        File.WriteAllText(In("run.yaml"), $$"""
            name: small-run
            languages: [sw]
            corpus: { path: "{{Samples}}/corpus/{lang}.jsonl", id: id, minChars: 120, maxChars: 1000, nearDuplicate: 0.7 }
            seeds: { path: "{{Samples}}/seeds/{lang}.jsonl" }
            models:
              generator: { shape: { hidden: 32, intermediate: 64 }, tuning: { steps: 10 } }
              evaluator: { shape: { hidden: 32, intermediate: 64 }, tuning: { steps: 10 } }
              student: { shape: { hidden: 32, intermediate: 64 }, tuning: { steps: 5, shuffle: 0, drop: 0 } }
            refine: { iterations: 0, keep: [0.5] }
            diversify: { clusters: 8, target: 24 }
            plan: { shardSize: 128, microBatch: 64 }
            """);
        File.WriteAllText(In("curate.yaml"), $"name: small-curate\ndevice: cpu\nperplexity: {{ model: {Samples}/models/tiny }}\nvectors: {{ model: {Samples}/models/tiny }}\nlengthGroups: 1\nclusters: {{ count: 2 }}\nsampling: {{ method: ppl, share: 0.5 }}\n");
        File.WriteAllText(In("train.yaml"), $$"""
            name: small-train
            device: cpu
            model: { path: {{Samples}}/models/tiny }
            data: { files: [{{Samples}}/seeds/fi.jsonl], prompt: "{output} ", completion: instruction }
            schedule: { passes: 2 }
            checkpoints: { steps: 2 }
            """);
        File.WriteAllText(In("evaluate.yaml"), $$"""
            name: small-evaluate
            languages: [fi, sw]
            tasks:
              - { definition: {{Samples}}/topics/topic.yaml, data: {{Samples}}/topics, files: "{lang}.jsonl", limit: 6 }
            window: 6
            """);
    }
}
