using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;

namespace XInstruct.EndToEnd.Training;

/// <summary><c>xinstruct train</c> and <c>merge</c> as a user runs them.</summary>
public sealed class TrainTests : IDisposable
{
    private static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/train-tiny.yaml");

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-train-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Train_KilledInTheMiddle_GoesOnAndEndsWithTheSameBytes()
    {
        string[] command = ["train", "sft", Recipe, "--set", "schedule.steps=60", "--set", "checkpoints.steps=5", "--json"];
        await using var product = await ProductProcess.CreateAsync();
        // The start and three checkpoints.
        await product.KillAtAsync(4, command);
        var checkpoint = Directory.EnumerateDirectories(Path.Combine(product.Home, "work"), "checkpoint-*", SearchOption.AllDirectories).Where(d => !d.EndsWith(".part", StringComparison.Ordinal)).Max()!;
        List<string> before = [.. File.ReadAllLines(Path.Combine(checkpoint, "metrics.jsonl"))];
        before.Count.ShouldBeInRange(15, 59);

        // Twice at the same time: the second attaches to the first.
        var both = await Task.WhenAll(product.RunAsync(command), product.RunAsync(command));
        both.ShouldAllBe(run => run.Code == 0);
        var (killed, again) = (Last(both[0].Output), Last(both[1].Output));
        killed.GetProperty("model").GetString().ShouldBe(again.GetProperty("model").GetString());
        var output = killed.GetProperty("output").GetString()!;
        // Times are those of the sitting that took the step: what was done before the kill was not done again.
        File.ReadLines(Path.Combine(output, "metrics.jsonl")).Take(before.Count).ShouldBe(before);

        await using var other = await ProductProcess.CreateAsync();
        var (code, text, error) = await other.RunAsync(command);
        code.ShouldBe(0, error);
        var undisturbed = Last(text);
        Files(output).ShouldBe(Files(undisturbed.GetProperty("output").GetString()!));
        // What somebody else put there stays when the command is run once more, and what is missing comes back.
        await File.WriteAllTextAsync(Path.Combine(output, "notes.txt"), "mine");
        File.Delete(Path.Combine(output, "config.json"));
        (await product.RunAsync(command)).Code.ShouldBe(0);
        (await File.ReadAllTextAsync(Path.Combine(output, "notes.txt"))).ShouldBe("mine");
        File.Exists(Path.Combine(output, "config.json")).ShouldBeTrue();
        undisturbed.GetProperty("steps").GetInt32().ShouldBe(60);
        undisturbed.GetProperty("loss").GetDouble().ShouldBeLessThan(3);
        (await EventsAsync(product)).ShouldBe(await EventsAsync(other));
        var (verified, report, _) = await product.RunAsync("audit", "verify");
        verified.ShouldBe(0);
        report.ShouldContain("all hashes agree");
        await product.ExecuteAsync("update xinstruct.mt_events set data = jsonb_set(data, '{loss}', '0.5') where type = 'model_checkpoint_saved' and version = 3");
        (verified, report, _) = await product.RunAsync("audit", "verify", undisturbed.GetProperty("training").GetString()!);
        verified.ShouldBe(1);
        report.ShouldContain("version 3 (model_checkpoint_saved)");
    }

    [Theory]
    [InlineData("batch.pak=true", "batch.pak: Unknown key. Did you mean 'pack'?")]
    [InlineData("method=lora", "model.fresh: Random weights are trained as a whole: method full.")]
    [InlineData("data.files=[nowhere.jsonl]", "data.files: No file ")]
    [InlineData("data.completion=answer", "has no column 'answer'; it has instruction, output, lang")]
    [InlineData("evaluation={share: 0, patience: 2}", "evaluation.patience: Needs rows held out")]
    [InlineData("optimizer.learningRate=2", "optimizer.learningRate: Must be from 0 to 1; 2 is not.")]
    public async Task Train_BadRecipe_SaysWhatIsWrongAndStartsNothing(string set, string problem)
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("train", "sft", Recipe, "--set", set);
        code.ShouldBe(2, error);
        error.ShouldContain(problem);
        (await product.CountEventsAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Train_ProblemInTheFile_HasItsPlace()
    {
        var recipe = Path.Combine(_folder, "bad.yaml");
        await File.WriteAllTextAsync(recipe, "name: bad\nmodel: { path: nowhere }\ndata:\n  files: [a.jsonl]\n  promt: x\nmethod: laro\n");
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("train", "dpo", recipe);
        code.ShouldBe(2);
        error.ShouldContain($"{recipe}:5:3: data.promt: Unknown key. Did you mean 'prompt'?");
        error.ShouldContain($"{recipe}:6:9: method: Must be one of full, lora, qlora; 'laro' is none. Did you mean 'lora'?");
        error.ShouldContain($"{recipe}:2:16: model.path: No folder ");
    }

    [Fact]
    public async Task Train_Release_IsNamedInTheModelsStreamAndCheckedFirst()
    {
        var release = Directory.CreateDirectory(Path.Combine(_folder, "release")).FullName;
        var rows = await File.ReadAllBytesAsync(Path.Combine(Tests.SharedData.Root, "samples/seeds/sw.jsonl"));
        await File.WriteAllBytesAsync(Path.Combine(release, "sw.jsonl"), rows);
        var manifest = $$"""{"format":1,"name":"r","number":1,"recipe":"","contentRoot":"","files":[{"name":"sw.jsonl","bytes":{{rows.Length}},"sha256":"{{Convert.ToHexStringLower(SHA256.HashData(rows))}}","rows":40}]}""";
        await File.WriteAllTextAsync(Path.Combine(release, "manifest.json"), manifest);
        var recipe = Path.Combine(_folder, "release.yaml");
        await File.WriteAllTextAsync(recipe, """
            name: student
            device: cpu
            model: { fresh: { vocabulary: 400, shape: { hidden: 16, layers: 1, heads: 2, intermediate: 32 } } }
            data: { release: release, prompt: "<|instruction|>{instruction}<|text|>" }
            schedule: { steps: 3 }
            """);
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, error) = await product.RunAsync("train", "sft", recipe, "--json");
        code.ShouldBe(0, error);
        var expected = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(manifest)));
        (await product.ReadAsync("select data ->> 'release' from xinstruct.mt_events where type = 'training_started'", r => r.GetString(0))).ShouldBe([expected]);
        JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Last(output).GetProperty("output").GetString()!, "training.json"))).RootElement.GetProperty("release").GetString().ShouldBe(expected);
        await File.AppendAllTextAsync(Path.Combine(release, "sw.jsonl"), "\n");
        (code, _, error) = await product.RunAsync("train", "sft", recipe, "--json");
        code.ShouldBe(1);
        error.ShouldContain("sw.jsonl has changed since it was sealed");
    }

    /// <summary>The page's commands, one after the other in a folder with the files that it shows.</summary>
    [Fact]
    public async Task Docs_EveryCommandOfItsPage_DoesWhatItSays()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "training.md"));
        foreach (var (name, text) in Blocks(page)) await File.WriteAllTextAsync(Path.Combine(_folder, name), text);
        Directory.CreateSymbolicLink(Path.Combine(_folder, "samples"), Path.Combine(Tests.SharedData.Root, "samples"));
        await using var product = await ProductProcess.CreateAsync();
        var commands = page.Split('\n').Where(line => line.StartsWith("./xinstruct ", StringComparison.Ordinal)).Select(line => line["./xinstruct ".Length..].Split(" #")[0].Trim()).ToList();
        commands.Count.ShouldBe(9);
        var results = new List<JsonElement>();
        foreach (var command in commands)
        {
            var (code, output, error) = await RunAsync(product, [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--json"]);
            code.ShouldBe(0, $"{command}: {error}{output}");
            results.Add(Last(output));
        }

        File.Exists(Path.Combine(_folder, "base", "model.safetensors")).ShouldBeTrue();
        File.Exists(Path.Combine(_folder, "base", "tokenizer.json")).ShouldBeTrue();
        JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "my-adapter", "adapter_config.json"))).RootElement.GetProperty("r").GetInt32().ShouldBe(4);
        var merge = results.Single(r => r.TryGetProperty("recorded", out _));
        merge.GetProperty("recorded").GetBoolean().ShouldBeTrue();
        var html = await File.ReadAllTextAsync(Path.Combine(_folder, "preferred", "report.html"));
        html.ShouldContain("default-src 'none'");
        html.ShouldContain("<h2>Accuracy</h2>");
        html.ShouldNotContain("<script");
        results[^1].GetProperty("findings").GetArrayLength().ShouldBe(0);
        var types = await product.ReadAsync("select type from xinstruct.mt_events where type like 'model_%' or type like 'training_%'", r => r.GetString(0));
        types.Count(t => t == "model_trained").ShouldBe(4);
        types.Count(t => t == "model_merged").ShouldBe(1);
        // Another model, or another adapter than was trained: named, and nothing is written.
        var (wrong, _, why) = await RunAsync(product, "merge", "merged", "my-adapter", "twice");
        wrong.ShouldBe(2);
        why.ShouldContain("was trained on another model");
        Directory.Exists(Path.Combine(_folder, "twice")).ShouldBeFalse();
    }

    private static JsonElement Last(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static IEnumerable<(string Name, string Text)> Blocks(string page)
    {
        foreach (var block in page.Split("```yaml\n").Skip(1))
        {
            var text = block[..block.IndexOf("```", StringComparison.Ordinal)];
            // Its first line is a comment with the file's name.
            yield return (text[2..text.IndexOf('\n', StringComparison.Ordinal)].Trim(), text);
        }

        foreach (var block in page.Split("```jsonl\n").Skip(1))
        {
            var text = block[..block.IndexOf("```", StringComparison.Ordinal)];
            yield return ("preferences.jsonl", text);
        }
    }

    private static List<string> Files(string folder) => [.. Directory.EnumerateFiles(folder).Where(f => Path.GetFileName(f) is not ("metrics.jsonl" or "report.html")).Order(StringComparer.Ordinal)
        .Select(f => $"{Path.GetFileName(f)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(f)))}")];

    private static Task<IReadOnlyList<string>> EventsAsync(ProductProcess product) =>
        product.ReadAsync("select type || ' ' || data::text || (headers ->> 'content') from xinstruct.mt_events order by seq_id", r => r.GetString(0));

    private async Task<(int Code, string Output, string Error)> RunAsync(ProductProcess product, params string[] args)
    {
        var start = new ProcessStartInfo(ProductProcess.Program, args) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (var (name, value) in product.Environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
