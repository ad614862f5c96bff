using System.Security.Cryptography;
using System.Text.Json;
using XInstruct.EndToEnd.Endpoints;

namespace XInstruct.EndToEnd;

/// <summary><c>xinstruct evaluate</c> as a user runs it.</summary>
public sealed class EvaluateTests : IDisposable
{
    private static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/evaluate-tiny.yaml");

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-evaluate-").FullName;

    public EvaluateTests() => TinyModel.Write(Path.Combine(_folder, "a"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Evaluate_KilledAndGivenTwoWorkers_GivesTheSameBytesAndScoresNothingTwice()
    {
        TinyModel.Write(Path.Combine(_folder, "b"), hidden: 16);
        string[] command = ["evaluate", Recipe, "--set", $"models.0.path={_folder}/a", "--set", $"models.1.path={_folder}/b", "--set", "languages=[sw, fi]", "--set", "window=12", "--set", "resamples=100", "--json"];
        await using var product = await ProductProcess.CreateAsync();
        using (var process = product.StartGroup(command))
        {
            var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            // The start, eight files of items, the plan, two ends of stages and then some windows.
            await product.WaitForEventsAsync(process, 14 + new Random(3).Next(8));
            process.HasExited.ShouldBeFalse();
            ProductProcess.KillGroup(process);
            await process.WaitForExitAsync();
            await said;
        }

        var before = await PartsAsync(product);
        before.Count.ShouldBeGreaterThan(8);
        // Twice at the same time: two workers at one job.
        var both = await Task.WhenAll(product.RunAsync(command), product.RunAsync(command));
        both.ShouldAllBe(run => run.Code == 0);
        await using var other = await ProductProcess.CreateAsync();
        var (code, text, error) = await other.RunAsync(command);
        code.ShouldBe(0, error);
        var (killed, whole) = (Output(both[0].Output), Output(text));
        Files(killed).ShouldBe(Files(whole));
        var parts = await PartsAsync(product);
        parts.Take(before.Count).ShouldBe(before);
        parts.Order(StringComparer.Ordinal).ShouldBe((await PartsAsync(other)).Order(StringComparer.Ordinal));
        parts.Distinct().Count().ShouldBe(parts.Count);

        var items = File.ReadLines(Path.Combine(whole, "items.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        items.Count.ShouldBe(2 * 2 * (36 + 36 + 12 + 12));
        items.Select(item => (Text(item, "model"), Text(item, "task"), Text(item, "language"), Text(item, "id"))).Distinct().Count().ShouldBe(items.Count);
        items.ShouldAllBe(item => Text(item, "prompt").Length == 64);
        var topics = items.Where(item => Text(item, "task") == "topics").ToList();
        topics.ShouldAllBe(item => item.GetProperty("scores").GetArrayLength() == 6);
        var rows = File.ReadLines(Path.Combine(whole, "results.csv")).Select(line => line.Split(',')).ToList();
        var accuracy = rows.Single(row => (row[0], row[1], row[2], row[6]) == ("early", "topics", "sw", "accuracy"));
        var own = topics.Where(item => Text(item, "model") == "early" && Text(item, "language") == "sw").ToList();
        double.Parse(accuracy[8], System.Globalization.CultureInfo.InvariantCulture).ShouldBe(100.0 * own.Count(item => item.GetProperty("predicted").GetInt32() == item.GetProperty("answer").GetInt32()) / own.Count, 1e-3);
    }

    [Fact]
    public async Task Evaluate_ModelBehindAnEndpoint_IsAskedOnceForEachItem()
    {
        await using var server = await ChatServer.StartAsync();
        server.Reply = _ => " Explain an important fact about cooking in Swahili. ";
        var refused = "";
        server.Faults = (prompt, _) => (refused = refused.Length == 0 ? prompt : refused) == prompt ? Fault.Refuse : Fault.None;
        var samples = Path.Combine(Tests.SharedData.Root, "samples");
        Write("remote.yaml", $$"""
            name: remote
            models: [{ name: far, api: { model: m, baseUrl: "{{server.BaseUrl}}" } }]
            languages: [sw]
            tasks: [{ definition: {{samples}}/topics/instruction.yaml, data: {{samples}}/seeds, files: "{lang}.jsonl" }]
            """);
        await using var product = await ProductProcess.CreateAsync();
        for (var n = 0; n < 2; n++) await RunAsync(product, "evaluate remote.yaml --set output=result");
        server.Asked.Count.ShouldBe(40);
        server.Asked.ShouldAllBe(asked => asked.Requests == 1);
        var items = File.ReadLines(Path.Combine(_folder, "result", "items.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        items.Count(item => item.TryGetProperty("error", out _)).ShouldBe(1);
        var right = items.Count(item => !item.TryGetProperty("error", out _) && Text(item, "reference") == "Explain an important fact about cooking in Swahili.");
        var row = File.ReadLines(Path.Combine(_folder, "result", "results.csv")).Select(line => line.Split(',')).Single(line => line[6] == "exactMatch");
        double.Parse(row[8], System.Globalization.CultureInfo.InvariantCulture).ShouldBe(100.0 * right / 39, 1e-3);
        (row[11], row[12]).ShouldBe(("39", "1"));
    }

    /// <summary>The page's commands, one after the other; its recipe is checked over files of its shape.</summary>
    [Fact]
    public async Task Docs_EveryCommandOfItsPage_DoesWhatItSays()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "evaluation.md"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "samples"), Path.Combine(Tests.SharedData.Root, "samples"));
        await using var product = await ProductProcess.CreateAsync();
        var commands = page.Split('\n').Select(line => line.TrimStart('`')).Where(line => line.StartsWith("./xinstruct ", StringComparison.Ordinal)).Select(line => line["./xinstruct ".Length..].Split('`')[0].Trim()).ToList();
        commands.Count.ShouldBe(5);
        foreach (var command in commands) await RunAsync(product, command);
        var report = await File.ReadAllTextAsync(Path.Combine(_folder, "result", "report.md"));
        // Numbers are those of one kind of machine.
        report.ShouldMatch(@"\ntuned scores [0-9.]+ points more than early on average \(95% interval \+[0-9.]+ to \+[0-9.]+\); it is significantly better in \d+ and worse in \d+ of 24 comparisons\.");
        report.ShouldMatch(@"\| tuned \| seen \| [0-9.]+ \| [0-9.]+–[0-9.]+ \| \+[0-9.]+ \| \+[0-9.]+ to \+[0-9.]+ \|");
        foreach (var name in new[] { "report.html", "items.jsonl", "results.csv", "comparisons.csv", "means.csv", "confidence.csv", "results.json" }) File.Exists(Path.Combine(_folder, "result", name)).ShouldBeTrue(name);

        var recipe = page[page.IndexOf("# evaluate.yaml", StringComparison.Ordinal)..];
        await File.WriteAllTextAsync(Path.Combine(_folder, "evaluate.yaml"), recipe[..recipe.IndexOf("```", StringComparison.Ordinal)]);
        foreach (var language in new[] { "en", "zh", "de", "sw", "th" })
        {
            Write($"reviews/emotion_{language}500_test.json", $$"""[{"input":"a","answer":"{{(language == "en" ? "positive" : "+" + language)}}"},{"input":"b","answer":"{{(language == "en" ? "negative" : "-" + language)}}"}]""");
            Write($"xcopa/test.{language}.jsonl", string.Concat(Enumerable.Range(0, 5).Select(i => $$"""{"premise":"p{{i}}","question":"cause","choice1":"a","choice2":"b","label":{{i % 2}}}""" + "\n")));
        }

        await RunAsync(product, "evaluate evaluate.yaml --check");
    }

    private void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, name))!);
        File.WriteAllText(Path.Combine(_folder, name), text);
    }

    private async Task RunAsync(ProductProcess product, string command)
    {
        var start = new System.Diagnostics.ProcessStartInfo(ProductProcess.Program, command.Split(' ', StringSplitOptions.RemoveEmptyEntries)) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _folder };
        foreach (var (name, value) in product.Environment) start.Environment[name] = value;
        using var process = System.Diagnostics.Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{command}: {await error}{await output}");
    }

    private static async Task<IReadOnlyList<string>> PartsAsync(ProductProcess product) => await product.ReadAsync(
        "select (data ->> 'stage') || ' ' || (data ->> 'part') || ' ' || (data ->> 'file') from xinstruct.mt_events where type = 'job_part_done' order by seq_id", r => r.GetString(0));

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;

    private static string Output(string said) => JsonDocument.Parse(said.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("output").GetString()!;

    private static SortedDictionary<string, string> Files(string folder) =>
        new(Directory.EnumerateFiles(folder).ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))), StringComparer.Ordinal);
}
