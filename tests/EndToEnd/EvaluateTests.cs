using System.Net.Http.Json;
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
        // The start, eight files of items, the plan, two ends of stages and then some windows.
        await product.KillAtAsync(14 + new Random(3).Next(8), command);

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

    [Fact]
    public async Task Evaluate_EndpointThatTellsFirstTokens_ChoosesByThemAndPaysOnce()
    {
        await using var server = await ChatServer.StartAsync();
        server.FirstTokens = FirstTokens;
        WriteLabels(server.BaseUrl);
        await using var product = await ProductProcess.CreateAsync();
        await RunAsync(product, "evaluate told.yaml --set output=whole");
        server.Asked.Count.ShouldBe(Rows * 2);
        var items = File.ReadLines(Path.Combine(_folder, "whole", "items.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        foreach (var task in new[] { "kind", "pick" })
        {
            var told = items.Where(item => Text(item, "task") == task).ToDictionary(item => int.Parse(Text(item, "id"), System.Globalization.CultureInfo.InvariantCulture) - 1);
            told.Count.ShouldBe(Rows);
            for (var i = 0; i < Rows; i++)
            {
                var item = told[i];
                if (i % 5 == 4)
                {
                    // Nothing told begins a choice: no score, and no zero.
                    (Text(item, "error"), item.TryGetProperty("scores", out _), item.GetProperty("untold").GetDouble()).ShouldBe(("no-choice-told", false, 0.1));
                    continue;
                }

                item.GetProperty("predicted").GetInt32().ShouldBe(i % 2);
                var scores = item.GetProperty("scores").EnumerateArray().Select(s => s.GetDouble()).ToArray();
                scores[i % 2].ShouldBe(i % 5 == 3 ? 0.3 : 0.6, 1e-6);
                scores[1 - (i % 2)].ShouldBe(i % 5 == 3 ? 0.25 : 0.05, 1e-6);
                item.GetProperty("untold").GetDouble().ShouldBe(i % 5 == 3 ? 0.15 : 0.1, 1e-6);
                item.GetProperty("uncertain").GetBoolean().ShouldBe(i % 5 == 3);
            }

            var row = File.ReadLines(Path.Combine(_folder, "whole", "results.csv")).Select(line => line.Split(',')).Single(line => line[1] == task && line[6] == "accuracy");
            (row[11], row[12], row[^1]).ShouldBe(("16", "4", "4"));
            double.Parse(row[8], System.Globalization.CultureInfo.InvariantCulture).ShouldBe(100.0 * Enumerable.Range(0, Rows).Count(i => i % 5 != 4 && i % 2 == i / 2 % 2) / 16, 1e-3);
        }

        // Killed and started again, with faults: the same bytes, each whole reply paid once.
        await using var killed = await ProductProcess.CreateAsync();
        server.Forget();
        server.Faults = (prompt, before) => before > 0 ? Fault.None : (prompt.Length % 7) switch { 0 => Fault.Error, 3 => Fault.Cut, _ => Fault.None };
        server.Work = TimeSpan.FromMilliseconds(100);
        await killed.KillAtAsync(server, Rows, "evaluate", Path.Combine(_folder, "told.yaml"), "--json");

        await RunAsync(killed, "evaluate told.yaml --set output=again");
        Files(Path.Combine(_folder, "again")).ShouldBe(Files(Path.Combine(_folder, "whole")));
        server.Asked.Count.ShouldBe(Rows * 2);
        server.Asked.Sum(asked => asked.Delivered - 1).ShouldBeInRange(0, 4);
        (await killed.ReadAsync("select count(*), count(*) filter (where (headers ->> 'tokensIn')::bigint > 0) from xinstruct.mt_events where type = 'job_replied'", r => (r.GetInt64(0), r.GetInt64(1)))).ShouldBe([(Rows * 2, Rows * 2)]);
        (await killed.ReadAsync("select count(*) from xinstruct.xi_calls", r => r.GetInt64(0))).ShouldBe([0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Evaluate_EndpointThatTellsTooFewFirstTokens_StopsAndSaysWhatToDo(bool refuses)
    {
        await using var server = await ChatServer.StartAsync();
        if (refuses) (server.MostTokens, server.FirstTokens) = (5, FirstTokens);
        WriteLabels(server.BaseUrl);
        await using var product = await ProductProcess.CreateAsync();
        var (code, output, error) = await product.RunAsync("evaluate", Path.Combine(_folder, "told.yaml"), "--json");
        code.ShouldBe(1, error);
        output.ShouldContain("does not tell how likely the 20 likeliest first tokens are");
        output.ShouldContain("Set the model's topLogProbabilities to as many as it tells");
        if (refuses) await RunAsync(product, "evaluate told.yaml --set models.0.topLogProbabilities=5");
    }

    /// <summary>What an endpoint's likeliest tokens leave open holds what the model itself says.</summary>
    [Fact]
    public async Task Evaluate_SameModelHereAndServed_LiesWithinWhatIsUntold()
    {
        var samples = Path.Combine(Tests.SharedData.Root, "samples");
        Write("topic.yaml", "name: topic\nform: label\nprompt: \"{text}\"\nanswer: topic\nchoices: [cooking, football, gardening, health, phones, travel]\nlocales:\n" + string.Concat(new[] { "sw", "fi" }.Select(language => $"  - {{ language: {language}, labels: [cooking, football, gardening, health, phones, travel] }}\n")));
        var model = Path.Combine(_folder, "tiny");
        TinyModel.Write(model, initStd: 0.8);
        await using var server = await Serving.ServeProcess.StartAsync(_folder, model, "--device", "cpu");
        // Labels that the model may well say, each with a letter of its own.
        using var client = server.Client();
        var row = JsonDocument.Parse(File.ReadLines(Path.Combine(samples, "topics/sw.jsonl")).First()).RootElement;
        var reply = await client.PostAsJsonAsync("chat/completions", new { model = "tiny", messages = new[] { new { role = "user", content = Text(row, "text") } }, max_tokens = 1, temperature = 0, logprobs = true, top_logprobs = 20 });
        var tokens = (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content")[0].GetProperty("top_logprobs").EnumerateArray().Select(token => Text(token, "token").Trim());
        var words = tokens.Where(token => token.Length > 0 && token.All(char.IsAsciiLetter)).DistinctBy(token => token[0]).Take(6).ToList();
        words.Count.ShouldBe(6);
        Write("both.yaml", $$"""
            name: both
            models:
              - { name: here, path: {{model}}, device: cpu, chat: true }
              - { name: served, topLogProbabilities: 20, system: "", api: { model: tiny, baseUrl: "{{server.BaseUrl}}" } }
            languages: [sw, fi]
            tasks: [{ definition: topic.yaml, data: {{samples}}/topics, files: "{lang}.jsonl", labels: words, labelWords: {{JsonSerializer.Serialize(words)}} }]
            """);
        await using var product = await ProductProcess.CreateAsync();
        await RunAsync(product, "evaluate both.yaml --set output=result");
        var items = File.ReadLines(Path.Combine(_folder, "result", "items.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToLookup(item => (Text(item, "language"), Text(item, "id")));
        items.Count.ShouldBe(72);
        var certain = 0;
        foreach (var item in items)
        {
            var (here, served) = (item.Single(i => Text(i, "model") == "here"), item.Single(i => Text(i, "model") == "served"));
            var untold = served.GetProperty("untold").GetDouble();
            if (served.TryGetProperty("error", out _)) continue;
            foreach (var (own, told) in here.GetProperty("scores").EnumerateArray().Zip(served.GetProperty("scores").EnumerateArray()))
            {
                own.GetDouble().ShouldBeGreaterThanOrEqualTo(told.GetDouble() - 1e-5);
                own.GetDouble().ShouldBeLessThanOrEqualTo(told.GetDouble() + untold + 1e-5);
            }

            if (served.GetProperty("uncertain").GetBoolean()) continue;
            certain++;
            served.GetProperty("predicted").GetInt32().ShouldBe(here.GetProperty("predicted").GetInt32());
        }

        certain.ShouldBeGreaterThan(0, string.Join('\n', items.SelectMany(i => i).Take(6)));
    }

    private const int Rows = 20;

    // Of each five the fourth is undecided and the fifth none of the choices; what is told of the others is right in every second pair.
    private static (string, double)[] FirstTokens(string prompt)
    {
        var i = int.Parse(prompt[(prompt.IndexOf('#', StringComparison.Ordinal) + 1)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
        var (good, bad) = prompt.Contains("B. ", StringComparison.Ordinal) ? ("A", "B") : ("zuri", "baya");
        var (first, second) = i % 2 == 0 ? (good, bad) : (bad, good);
        return (i % 5) switch
        {
            4 => [("Well", 0.7), (" the", 0.2)],
            3 => [(first, 0.3), (" " + second, 0.25), ("Well", 0.3)],
            _ => [(first[..1], first.Length > 1 ? 0.2 : 0.5), (" " + first, first.Length > 1 ? 0.4 : 0.1), (second, 0.05), ("Well", 0.25)],
        };
    }

    private void WriteLabels(string baseUrl)
    {
        Write("kind.yaml", "name: kind\nform: label\nprompt: \"{text} -> \"\nanswer: answer\nchoices: [good, bad]\nlocales: [{ language: sw, labels: [zuri, baya] }]\n");
        Write("pick.yaml", "name: pick\nform: choice\nprompt: \"{text}\"\nanswer: label\nchoices: [\"yes, {text}\", \"no, {text}\"]\nanswers: [\"0\", \"1\"]\nmeasures: [accuracyPerCharacter, accuracy]\n");
        Write("rows/sw.jsonl", string.Concat(Enumerable.Range(0, Rows).Select(i => $$"""{"text":"Namba #{{i}} hii","answer":"{{(i / 2 % 2 == 0 ? "zuri" : "baya")}}","label":"{{i / 2 % 2}}"}""" + "\n")));
        Write("told.yaml", $$"""
            name: told
            window: 4
            resamples: 100
            models: [{ name: far, topLogProbabilities: 20, api: { model: m, baseUrl: "{{baseUrl}}", concurrency: 4 } }]
            languages: [sw]
            tasks:
              - { definition: kind.yaml, data: rows, files: "{lang}.jsonl" }
              - { definition: pick.yaml, data: rows, files: "{lang}.jsonl" }
            """);
    }

    /// <summary>The page's commands, one after the other; its recipe is checked over files of its shape.</summary>
    [Fact]
    public async Task Docs_EveryCommandOfItsPage_DoesWhatItSays()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "evaluation.md"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "samples"), Path.Combine(Tests.SharedData.Root, "samples"));
        await using var product = await ProductProcess.CreateAsync();
        var commands = page.Split('\n').Select(line => line.TrimStart('`')).Where(line => line.StartsWith("./xinstruct ", StringComparison.Ordinal)).Select(line => line["./xinstruct ".Length..].Split('`')[0].Trim()).ToList();
        commands.Count.ShouldBe(7);
        var serving = commands.FindIndex(command => command.StartsWith("serve ", StringComparison.Ordinal));
        foreach (var command in commands[..serving]) await RunAsync(product, command);
        await using (var server = await Serving.ServeProcess.RunAsync(_folder, $"{ProductProcess.Program} {commands[serving]}"))
        {
            await RunAsync(product, $"{commands[serving + 1]} --set models.0.api.baseUrl={server.BaseUrl}");
        }

        foreach (var command in commands[(serving + 2)..]) await RunAsync(product, command);
        var rows = File.ReadLines(Path.Combine(_folder, "served", "results.csv")).Select(line => line.Split(',')).Where(row => row[6] == "accuracy").ToList();
        rows.Select(row => row[2]).ShouldBe(["fi", "id", "sw", "tr"]);
        rows.ShouldAllBe(row => double.Parse(row[8], System.Globalization.CultureInfo.InvariantCulture) > 80 && int.Parse(row[11], System.Globalization.CultureInfo.InvariantCulture) > 30);
        page.ShouldContain("fi,100,36,0,0");
        foreach (var name in JsonDocument.Parse("{" + page.Split('\n').Single(line => line.StartsWith("\"choices\"", StringComparison.Ordinal))).RootElement.EnumerateObject())
            JsonDocument.Parse(File.ReadLines(Path.Combine(_folder, "served", "items.jsonl")).Last()).RootElement.TryGetProperty(name.Name, out _).ShouldBeTrue(name.Name);
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
