using System.Security.Cryptography;
using System.Text.Json;

namespace XInstruct.EndToEnd.Jobs;

/// <summary><c>xinstruct curate</c> as a user runs it.</summary>
public sealed class CurateTests : IDisposable
{
    private static readonly string Tiny = Path.Combine(Tests.SharedData.Root, "samples/recipes/curate-tiny.yaml");
    private static readonly string Model = Path.Combine(Tests.SharedData.Root, "samples/models/tiny");

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-curate-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Curate_KilledAndFinishedByTwoWorkers_GivesTheBytesOfAnUndisturbedRun()
    {
        string[] command = ["curate", Tiny, "--set", "partRows=24", "--json"];
        await using var whole = await ProductProcess.CreateAsync();
        var (code, output, error) = await whole.RunAsync(command);
        code.ShouldBe(0, error);
        var expected = Files(Last(output));
        var events = await whole.CountEventsAsync();

        await using var killed = await ProductProcess.CreateAsync();
        var random = new Random(7);
        foreach (var moment in (long[])[random.NextInt64(3, events / 2), random.NextInt64(events / 2, events - 4)]) await killed.KillAtAsync(moment, command);

        // What is derived from the stages' results may be lost too.
        foreach (var scratch in Directory.EnumerateDirectories(Path.Combine(killed.Home, "work"), "scratch", SearchOption.AllDirectories)) Directory.Delete(scratch, recursive: true);
        var both = await Task.WhenAll(killed.RunAsync(command), killed.RunAsync(command));
        both.ShouldAllBe(run => run.Code == 0);
        Files(Last(both[0].Output)).ShouldBe(expected);
        (await killed.CountEventsAsync()).ShouldBe(events);
        (await killed.RunAsync("audit", "verify")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Curate_SmallCase_IsAsWorkedByHand()
    {
        WriteSmallCase();
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, error) = await product.RunAsync("curate", In("small.yaml"), "--json");
        code.ShouldBe(0, error);
        var result = Last(output).GetProperty("output").GetString()!;
        // Lengths 2, 3, 4, 5, 8 in code points; the median, 4, begins the second group. Perplexities 2, 3 and 1.25, 4, 9: every second one.
        (await File.ReadAllTextAsync(Path.Combine(result, "sample.jsonl"))).ShouldBe("""
            {"len":3,"ppl":2,"group":"b","instruction":"\uD83D\uDC4D\uD83D\uDC4D\uD83D\uDC4D","output":"ok","len_group":0,"cluster":0}
            {"len":5,"ppl":1.25,"group":"a","instruction":"ab cd","output":"y","len_group":1,"cluster":0}
            {"len":8,"ppl":9,"group":"b","instruction":"abcdefgh","output":"w","len_group":1,"cluster":0}

            """);
        (await File.ReadAllTextAsync(Path.Combine(result, "sft.jsonl"))).ShouldBe("""
            {"instruction":"\uD83D\uDC4D\uD83D\uDC4D\uD83D\uDC4D","output":"ok"}
            {"instruction":"ab cd","output":"y"}
            {"instruction":"abcdefgh","output":"w"}

            """);
        Keys(result, "stages/1-merged.jsonl").ShouldBe(["instruction,output,group,len,ppl"]);
        Keys(result, "stages/2-perplexity.jsonl").ShouldBe(["len,ppl,group,instruction,output"]);
        Keys(result, "stages/3-clusters.jsonl").ShouldBe(["len,ppl,group,instruction,output,len_group,cluster"]);
        Values(result, "stages/1-merged.jsonl", "len").ShouldBe(["2", "3", "4", "5", "8"]);
        Values(result, "stages/3-clusters.jsonl", "ppl").ShouldBe(["2", "3", "1.25", "4", "9"]);
        // By the highest perplexity ⌊n/2⌋, from the grid.
        Values(result, "grid/L2-K1-ppl_h-0.5.jsonl", "ppl").ShouldBe(["3", "9"]);
        (await File.ReadAllTextAsync(Path.Combine(result, "rejected.csv"))).ShouldBe("""
            source,group,reason,rows,first_row
            0,a,bad-perplexity,1,7
            0,a,empty-instruction,1,3
            0,a,empty-output,1,4
            0,a,no-output,1,5
            0,a,not-json,1,6
            2,c,no-instruction,1,2

            """);
        JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(result, "sft-sharegpt.json"))).RootElement[1].GetProperty("conversations")[0].GetProperty("value").GetString().ShouldBe("ab cd");
        var statistics = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(result, "statistics.json"))).RootElement;
        statistics.GetProperty("chosen").GetProperty("sources")[1].GetProperty("shareAfter").GetDouble().ShouldBe(2 / 3.0, 1e-5);
        (statistics.GetProperty("read").GetInt64(), statistics.GetProperty("merged").GetInt64()).ShouldBe((11, 5));

        // With one cluster a group the vectors decide nothing; a sentence encoder whose weights lie beside its model gives them too.
        var encoder = Tests.TinyEncoder.Write(In("encoder"), Tests.TinyEncoder.WeightsFile);
        (code, output, error) = await product.RunAsync("curate", In("small.yaml"), "--set", "name=encoded", "--set", $"vectors={{encoder: {encoder}, pooling: cls, maxTokens: 16}}", "--json");
        code.ShouldBe(0, error);
        (await File.ReadAllTextAsync(Path.Combine(Last(output).GetProperty("output").GetString()!, "sample.jsonl"))).ShouldBe(await File.ReadAllTextAsync(Path.Combine(result, "sample.jsonl")));

        (code, _, error) = await product.RunAsync("curate", In("small.yaml"), "--set", "clusters.count=3", "--set", "name=too-small", "--set", "grid={}");
        code.ShouldBe(2, error);
        error.ShouldContain("length group 1 of 2 (instructions of 2 characters and more) has 2 rows, fewer than the 3 clusters");
        error.ShouldContain("Set clusters.count to at most 2");
    }

    [Fact]
    public async Task Curate_EveryCommandOfItsPage_Works()
    {
        await using var product = await ProductProcess.CreateAsync();
        foreach (var name in (string[])["samples/models/tiny", "samples/recipes", "samples/seeds"])
        {
            Directory.CreateDirectory(In(name));
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Tests.SharedData.Root, name))) File.Copy(file, In($"{name}/{Path.GetFileName(file)}"));
        }

        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "curation.md"));
        foreach (var block in page.Split("```yaml\n# ").Skip(1).Select(b => b[..b.IndexOf("```", StringComparison.Ordinal)])) await File.WriteAllTextAsync(In(block[..block.IndexOf('\n', StringComparison.Ordinal)]), block[block.IndexOf('\n', StringComparison.Ordinal)..]);
        var commands = page.Split('\n').Where(line => line.StartsWith("./xinstruct ", StringComparison.Ordinal)).Select(line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]).ToList();
        commands.Count.ShouldBe(4);
        foreach (var command in commands)
        {
            var (code, output, error) = await product.RunInAsync(_folder, command);
            code.ShouldBe(0, error);
            if (command is ["curate", _, "--set", ..]) page.ShouldContain(output.Split('\n').Single(line => line.EndsWith("has ended.", StringComparison.Ordinal)));
        }

        File.ReadLines(In("curated/sft.jsonl")).Count().ShouldBe(64);
        foreach (var file in Directory.EnumerateFiles(In("curated")).Select(Path.GetFileName)) (page.Contains(file!, StringComparison.Ordinal) || file!.EndsWith(".csv", StringComparison.Ordinal) || file == "job.json").ShouldBeTrue(file);
        // The published recipe says what is missing here and nothing else.
        var (missing, _, problems) = await product.RunInAsync(_folder, "curate", "koquality.yaml", "--check");
        missing.ShouldBe(2);
        problems.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Contains("koquality.yaml:", StringComparison.Ordinal)).ShouldAllBe(line => line.Contains("No fi", StringComparison.Ordinal) || line.Contains("No folder", StringComparison.Ordinal) || line.Contains("has no", StringComparison.Ordinal));
    }

    private void WriteSmallCase()
    {
        File.WriteAllText(In("a.jsonl"), """
            {"instruction":"ab","output":"x","ppl":3}
            {"instruction":" ab","input":"cd ","output":"y","ppl":1.25}
            {"instruction":"  ","output":"z","ppl":1}
            {"instruction":"q","output":" ","ppl":1}
            {"instruction":"q","ppl":1}
            no JSON
            {"instruction":"q","output":"z"}
            """);
        File.WriteAllText(In("b.jsonl"), """
            {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"abcdefgh"},{"role":"assistant","content":"w"}],"ppl":9}
            {"messages":[{"role":"user","content":"👍👍👍"},{"role":"assistant","content":"ok"}],"ppl":"2.0"}
            """);
        File.WriteAllText(In("c.json"), """[{"conversations":[{"from":"human","value":"abcd"},{"from":"gpt","value":"v"}],"ppl":4},{"conversations":[],"ppl":4}]""");
        File.WriteAllText(In("small.yaml"), $$"""
            name: small
            device: cpu
            sources:
              - { path: a.jsonl, group: a }
              - { path: b.jsonl, group: b, form: messages }
              - { path: c.json, group: c, form: sharegpt }
            perplexity: { column: ppl }
            vectors: { model: {{Model}} }
            lengthGroups: 2
            clusters: { count: 1, starts: 1 }
            sampling: { share: 0.5 }
            grid: { methods: [ppl, pplH] }
            formats: [sharegpt]
            """);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private static IEnumerable<string> Keys(string folder, string name) =>
        File.ReadLines(Path.Combine(folder, name)).Select(line => string.Join(',', JsonDocument.Parse(line).RootElement.EnumerateObject().Select(member => member.Name))).Distinct();

    private static IEnumerable<string> Values(string folder, string name, string key) =>
        File.ReadLines(Path.Combine(folder, name)).Select(line => JsonDocument.Parse(line).RootElement.GetProperty(key).ToString());

    private static JsonElement Last(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static List<string> Files(JsonElement end)
    {
        var folder = end.GetProperty("output").GetString()!;
        return [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => $"{Path.GetRelativePath(folder, path)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))}")];
    }
}
