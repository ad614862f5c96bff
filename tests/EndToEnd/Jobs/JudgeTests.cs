using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.EndToEnd.Endpoints;

namespace XInstruct.EndToEnd.Jobs;

/// <summary><c>xinstruct judge</c> as a user runs it: judges behind an endpoint that fails and is killed on, a local one, and files that are judged already.</summary>
public sealed partial class JudgeTests : IAsyncLifetime
{
    private const int Questions = 40;
    private const int Concurrency = 4;
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-judge-").FullName;
    private ProductProcess _product = null!;
    private ChatServer _server = null!;

    public async Task InitializeAsync()
    {
        _product = await ProductProcess.CreateAsync();
        _product.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        _server = await ChatServer.StartAsync();
        _server.Reply = Judge;
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        await _product.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Judge_FaultsAndKills_PaysNothingTwiceAndGivesTheSameResult()
    {
        WritePairs();
        var (code, output, error) = await _product.RunAsync("judge", In("pairs.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var whole = Result(output);
        _server.Asked.Count.ShouldBe(Questions * 2 * 2);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);

        await using var killed = await ProductProcess.CreateAsync();
        killed.Variables["XI_TEST_API_KEY"] = ChatServer.Key;
        _server.Forget();
        _server.Faults = (prompt, before) => before > 0 ? Fault.None : (prompt.Length % 17) switch { 0 => Fault.Error, 5 => Fault.Early, 9 => Fault.Cut, _ => Fault.None };
        int[] kills = [20, 70, 110];
        foreach (var prompts in kills) await killed.KillAtAsync(_server, prompts, "judge", In("pairs.yaml"), "--json");

        (code, output, error) = await killed.RunAsync("judge", In("pairs.yaml"), "--json");
        code.ShouldBe(0, output + error);
        foreach (var file in Directory.EnumerateFiles(whole)) (await File.ReadAllTextAsync(Path.Combine(Result(output), Path.GetFileName(file)))).ShouldBe(await File.ReadAllTextAsync(file), file);
        _server.Asked.ShouldAllBe(a => a.Delivered >= 1);
        _server.Asked.Sum(a => a.Delivered - 1).ShouldBeLessThanOrEqualTo(kills.Length * Concurrency);
        // Ledger and events agree, and no reservation is left.
        var events = (await killed.ReadAsync("select sum((headers ->> 'tokensIn')::bigint)::bigint, count(*) from xinstruct.mt_events where type = 'job_replied'", r => (Tokens: r.GetInt64(0), Count: r.GetInt64(1)))).Single();
        events.Count.ShouldBe(Questions * 2 * 2);
        (await killed.ReadAsync("select sum(tokens_in)::bigint from xinstruct.xi_budgets where stage <> ''", r => r.GetInt64(0))).ShouldBe([events.Tokens]);
        (await killed.ReadAsync("select count(*) from xinstruct.xi_calls", r => r.GetInt64(0))).ShouldBe([0]);
        (await killed.RunAsync("audit", "verify")).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Judge_Pairs_AreAsWorkedByHand()
    {
        WritePairs();
        var (code, output, error) = await _product.RunAsync("judge", In("pairs.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var result = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Result(output), "results.json"))).RootElement;
        var lines = result.GetProperty("pairs").EnumerateArray().ToList();
        JsonElement Line(string judge, string? language) => lines.Single(l => l.GetProperty("judge").GetString() == judge && Text(l, "language") == language && Text(l, "category") is null);
        // Ours has quality i mod 10, base always 5; question 7 is not understood. Those of an even number are in Finnish.
        var read = Enumerable.Range(0, Questions).Where(i => i != 7).ToList();
        foreach (var (language, of) in new (string?, IEnumerable<int>)[] { (null, read), ("fi", read.Where(i => i % 2 == 0)), ("sw", read.Where(i => i % 2 == 1)) })
        {
            var fair = Line("fair", language);
            Number(fair, "count").ShouldBe(of.Count());
            Number(fair, "unread").ShouldBe(language == "fi" ? 0 : 1);
            Number(fair, "wins").ShouldBe(of.Count(i => i % 10 > 5));
            Number(fair, "ties").ShouldBe(of.Count(i => i % 10 == 5));
            Number(fair, "losses").ShouldBe(of.Count(i => i % 10 < 5));
            Number(fair, "winRate").ShouldBe(of.Average(i => Math.Sign((i % 10) - 5) / 2.0 + 0.5), 1e-9);
            Number(fair, "low").ShouldBeLessThan(Number(fair, "winRate"));
            Number(fair, "high").ShouldBeGreaterThan(Number(fair, "winRate"));
            Number(fair, "meanScore").ShouldBe(of.Average(i => i % 10), 1e-9);
            Number(fair, "flipRate").ShouldBe(0);
            // Three points for the first place: orders differ where the answers are less than three apart, and equal ones do not flip.
            Number(Line("biased", language), "flipRate").ShouldBe(of.Average(i => Math.Min(10, (i % 10) + 3) > 5 && i % 10 < 8 ? 1.0 : 0), 1e-9);
        }

        var agreement = result.GetProperty("agreement").EnumerateArray().ToList();
        agreement.Count.ShouldBe(1);
        Number(agreement[0], "items").ShouldBe(Questions - 1);
        Number(agreement[0], "kappa").ShouldBe(1);
        var issues = result.GetProperty("issues").EnumerateArray().Select(i => $"{i.GetProperty("file").GetString()}:{Text(i, "row")} {Text(i, "id")} {i.GetProperty("problem").GetString()}").ToList();
        issues.ShouldBe([$"answers.0.path:{(Questions / 2) + 1} q99 No question has this id.", "answers: q98 base has no answer in fi."], ignoreOrder: true);
        var row = JsonDocument.Parse(File.ReadLines(Path.Combine(Result(output), "judgments.fair.jsonl")).First()).RootElement;
        row.EnumerateObject().Take(7).Select(m => m.Name).ShouldBe(["question_id", "category", "score_1", "score_2", "gpt4_eval", "answer1", "answer2"]);
        File.ReadLines(Path.Combine(Result(output), "leaderboard.csv")).First().ShouldStartWith("judge,model,other,language,category,pairs");
        var page = await File.ReadAllTextAsync(Path.Combine(Result(output), "report.html"));
        page.ShouldContain("Agreement of the judges");
        page.ShouldNotContain("<b>q");
    }

    [Fact]
    public async Task Judge_AnswersThatPairWithNobody_AreTold()
    {
        WritePairs();
        string Answers(string ours, string theirs) => $$"""
            name: lonely
            questions: [{path: questions.jsonl}]
            answers:
              - {model: ours, path: ours.fi.jsonl, language: {{ours}} }
              - {model: base, path: base.fi.jsonl, language: {{theirs}} }
            judges: [{name: fair, api: {model: m, baseUrl: {{_server.BaseUrl}} } }]
            """;
        File.WriteAllText(In("lonely.yaml"), Answers("fi", "sw"));
        var (code, output, error) = await _product.RunAsync("judge", In("lonely.yaml"), "--json");
        code.ShouldBe(2, error);
        output.ShouldContain("There is nothing to judge: of 2 files of answers none makes a pair with another.");
        // One language, however it is written.
        File.WriteAllText(In("lonely.yaml"), Answers("fi", "fin"));
        (code, output, error) = await _product.RunAsync("judge", In("lonely.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var result = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Result(output), "results.json"))).RootElement;
        Number(result.GetProperty("pairs")[0], "count").ShouldBe(Questions / 2);
        // All questions of an odd number.
        result.GetProperty("issues").EnumerateArray().Count(i => i.GetProperty("problem").GetString() == "No model answers this question.").ShouldBe(Questions / 2);
    }

    [Fact]
    public async Task Judge_NobodyAtTheEndpoint_StopsAndGoesOnLater()
    {
        WritePairs();
        string[] command = ["judge", In("pairs.yaml"), "--set", "judges.0.api.tries=3", "--set", "judges.1.api.tries=3", "--json"];
        var away = await _product.RunAsync([.. command, "--set", "judges.1.api.baseUrl=http://127.0.0.1:9/v1"]);
        away.Code.ShouldBe(1, away.Output);
        away.Output.ShouldContain("Nobody answers at http://127.0.0.1:9/v1");
        _server.Asked.Count.ShouldBe(Questions * 2);
        var (code, output, error) = await _product.RunAsync(command);
        code.ShouldBe(0, output + error);
        _server.Asked.Count.ShouldBe(Questions * 4);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);
        File.ReadLines(Path.Combine(Result(output), "judgments.biased.jsonl")).Count(line => line.Contains("gpt4_eval", StringComparison.Ordinal)).ShouldBe(Questions * 2);
        (await _product.ReadAsync("select count(*) from xinstruct.xi_calls", r => r.GetInt64(0))).ShouldBe([0]);
    }

    [Fact]
    public async Task Judge_KilledNearItsBudget_EndsWithWhatWasUnderWayAsPaid()
    {
        WritePairs();
        // More parts than a worker takes up at once, and all that is under way when it is killed is reserved.
        string[] command = ["judge", In("pairs.yaml"), "--set", "partSize=1", "--set", "judges.0.api.concurrency=8", "--set", "judges.0.api.usdPerMillionIn=1000", "--set", "judges.0.api.usdPerMillionOut=1000", "--set", "judges.1.api.usdPerMillionIn=0", "--set", "judges.1.api.usdPerMillionOut=0", "--json"];
        _server.Faults = (_, _) => Fault.Hang;
        await _product.KillAtAsync(_server, 8, [.. command, "--set", "budget.usd=2000"]);

        var (reserved, due) = (await _product.ReadAsync("select reserved, reserved + assumed from xinstruct.xi_budgets where stage = ''", r => (r.GetDecimal(0), r.GetDecimal(1)))).Single();
        reserved.ShouldBeGreaterThan(0);
        _server.Faults = (_, _) => Fault.None;
        _server.Forget();
        var (code, output, error) = await _product.RunAsync([.. command, "--set", FormattableString.Invariant($"budget.usd={due}")]);
        code.ShouldBe(1, output + error);
        output.ShouldContain("for calls whose reply never came");
        _server.Asked.ShouldBeEmpty();
        (await _product.ReadAsync("select reserved, assumed from xinstruct.xi_budgets where stage = ''", r => (r.GetDecimal(0), r.GetDecimal(1)))).ShouldBe([(0m, due)]);
        (code, output, error) = await _product.RunAsync([.. command, "--set", "budget.usd=2000"]);
        code.ShouldBe(0, output + error);
        _server.Asked.ShouldAllBe(a => a.Requests == 1);
    }

    [Fact]
    public async Task Judge_BudgetSpent_StopsAndGoesOnWithMore()
    {
        WritePairs();
        string[] command = ["judge", In("pairs.yaml"), "--set", "judges.0.api.usdPerMillionIn=1000", "--set", "judges.0.api.usdPerMillionOut=1000", "--set", "judges.1.api.usdPerMillionIn=0", "--set", "judges.1.api.usdPerMillionOut=0", "--json"];
        var (code, output, error) = await _product.RunAsync([.. command, "--set", "budget.usd=20"]);
        code.ShouldBe(1, output + error);
        output.ShouldContain("The budget of $20");
        var paid = _server.Asked.Count;
        paid.ShouldBeInRange(1, Questions * 2);
        (code, output, error) = await _product.RunAsync([.. command, "--set", "budget.usd=2000"]);
        code.ShouldBe(0, output + error);
        _server.Asked.ShouldAllBe(a => a.Delivered == 1);
        _product.Variables.Remove("XI_TEST_API_KEY");
        (code, _, error) = await _product.RunAsync(command);
        code.ShouldBe(2);
        error.ShouldContain("XI_TEST_API_KEY is not set");
    }

    [Fact]
    public async Task Judge_LocalModel_HasNothingReadableToSay()
    {
        WritePairs();
        File.WriteAllText(In("local.yaml"), $$"""
            name: local
            form: single
            maxTokens: 8
            partSize: 9
            answers:
              - {model: ours, path: ours.fi.jsonl, language: fi, text: output}
            judges:
              - {name: tiny, path: {{Path.Combine(Tests.SharedData.Root, "samples/models/tiny")}}, prompt: short.md, system: ""}
            """);
        File.WriteAllText(In("short.md"), "{question} {answer}");
        var (code, output, error) = await _product.RunAsync("judge", In("local.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var line = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Result(output), "results.json"))).RootElement.GetProperty("singles").EnumerateArray().Single();
        (line.GetProperty("count").GetInt32(), line.GetProperty("unread").GetInt32()).ShouldBe(((Questions / 2) + 2, (Questions / 2) + 2));
        Text(line, "mean").ShouldBeNull();
        var rows = File.ReadLines(Path.Combine(Result(output), "judgments.tiny.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        rows.ShouldAllBe(r => r.GetProperty("chatgpt").GetString() != null && r.GetProperty("instruction").GetString() == r.GetProperty("answer").GetString());
        rows.Select(r => r.GetProperty("chatgpt").GetString()).Distinct().Count().ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task Judge_CommandOfItsPage_GivesWhatThePageShows()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "judging.md"));
        page.ShouldContain("$ ./xinstruct judge samples/recipes/judge-tiny.yaml --set output=judged");
        var (code, output, error) = await _product.RunAsync("judge", Path.Combine(Tests.SharedData.Root, "samples/recipes/judge-tiny.yaml"), "--set", $"output={In("judged")}");
        code.ShouldBe(0, output + error);
        page.ShouldContain($"$ cat judged/leaderboard.csv\n{await File.ReadAllTextAsync(In("judged/leaderboard.csv"))}```");
        page.ShouldContain(output.Split('\n')[0]);
    }

    [Tests.SharedFact("data/komt/eval_results")]
    public async Task Judge_KomtFiles_GiveThePublishedTableAndWhatItsReadmeGetsWrong()
    {
        var data = Path.Combine(Tests.SharedData.Folder, "data/komt/eval_results");
        // Name, sum as the README has it, sum and percentage of the files.
        (string File, int Readme, int Sum, decimal Percent)[] table =
        [
            ("gpt-3.5-turbo", 147, 147, 79.45m), ("komt-mistral-7b-v1-dpo", 142, 142, 76.75m), ("cue", 140, 140, 75.67m), ("clova-x", 136, 136, 73.51m), ("komt-mistral-7b-v1", 131, 131, 70.81m),
            ("komt-llama2-13b-v1", 129, 129, 69.72m), ("komt-llama2-7b-v1", 117, 117, 63.24m), ("beomi-KoAlpaca-Polyglot-12.8B", 100, 100, 54.05m), ("WizardLM-13B-V1.2", 96, 96, 51.89m),
            ("nlpai-lab-kullm-polyglot-12.8b-v2", 70, 70, 37.83m), ("Llama-2-7b-chat-hf", 67, 67, 36.21m),
        ];
        var known = table.Where(t => File.Exists(Path.Combine(data, $"score_result_{t.File}.jsonl"))).ToList();
        known.Count.ShouldBeGreaterThanOrEqualTo(10);
        await File.WriteAllTextAsync(In("komt.yaml"), $$"""
            name: komt
            form: single
            compat: true
            published: { gpt-3.5-turbo: "147", komt-llama2-7b-v1: "129" }
            judged:
            {{string.Join('\n', known.Select(t => $"  - {{model: {t.File}, judge: gpt, path: {Path.Combine(data, $"score_result_{t.File}.jsonl")}}}"))}}
            """);
        var (code, output, error) = await _product.RunAsync("judge", In("komt.yaml"), "--json");
        code.ShouldBe(0, output + error);
        var result = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Result(output), "results.json"))).RootElement;
        var lines = result.GetProperty("singles").EnumerateArray().ToDictionary(l => l.GetProperty("model").GetString()!);
        foreach (var (file, _, sum, percent) in known)
        {
            lines[file].GetProperty("sum").GetInt32().ShouldBe(sum, file);
            lines[file].GetProperty("percent").GetDecimal().ShouldBe(percent, file);
        }

        // No row's score differs from what the rule reads of its reply.
        result.GetProperty("issues").GetArrayLength().ShouldBe(0);
        (await File.ReadAllTextAsync(Path.Combine(Result(output), "report.md"))).ShouldContain("| komt-llama2-7b-v1 | 129 | 117 | they differ |");
    }

    private static string? Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.ToString() : null;

    private static double Number(JsonElement line, string name) => line.GetProperty(name).GetDouble();

    private static string Result(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("output").GetString()!;

    // Each answer spells its quality; one judge gives three points for the first place.
    private static string Judge(string prompt)
    {
        if (prompt.Contains("question 7?", StringComparison.Ordinal)) return "I cannot say.";
        var scores = Quality().Matches(prompt).Select(m => int.Parse(m.Groups["q"].Value, CultureInfo.InvariantCulture)).ToList();
        scores.Count.ShouldBe(2);
        if (prompt.StartsWith("Biased", StringComparison.Ordinal)) scores[0] = Math.Min(10, scores[0] + 3);
        return $"The first is <score1>10</score1>, no: {scores.Count}.\n<score1>{scores[0]}</score1>\n<score2>{scores[1]}</score2>";
    }

    private string In(string name) => Path.Combine(_folder, name);

    private void WritePairs()
    {
        string Question(int i) => JsonSerializer.Serialize(new { question_id = $"q{i}", text = $"What is <b>question {i}?", category = i % 3 == 0 ? "math" : "prose" });
        File.WriteAllLines(In("questions.jsonl"), Enumerable.Range(0, Questions).Append(98).Select(Question));
        foreach (var (language, rest) in new[] { ("fi", 0), ("sw", 1) })
        {
            var mine = Enumerable.Range(0, Questions).Where(i => i % 2 == rest).ToList();
            var ours = mine.Select(i => JsonSerializer.Serialize(new { question_id = $"q{i}", output = $"answer {i} quality={i % 10}" }));
            if (language == "fi") ours = ours.Append("""{"question_id":"q99","output":"nobody asked"}""").Append("""{"question_id":"q98","output":"alone quality=1"}""");
            File.WriteAllLines(In($"ours.{language}.jsonl"), ours);
            // In the other order, with three tries of which the shortest counts.
            File.WriteAllLines(In($"base.{language}.jsonl"), mine.AsEnumerable().Reverse().Select(i => $$"""{"question_id":"q{{i}}","output-1":"{{i}} is long quality=9","output-2":"{{i}}: quality=5","output-3":"{{i}} is longer quality=1"}"""));
        }

        File.WriteAllText(In("biased.md"), "Biased.\n{question}\n{answer1}\n{answer2}\n");
        File.WriteAllText(In("pairs.yaml"), $$"""
            name: pairs
            baseline: base
            partSize: 16
            questions: [{path: questions.jsonl}]
            answers:
              - {model: ours, path: ours.fi.jsonl, language: fi}
              - {model: base, path: base.fi.jsonl, language: fi}
              - {model: ours, path: ours.sw.jsonl, language: sw}
              - {model: base, path: base.sw.jsonl, language: sw}
            judges:
              - name: fair
                api: {model: m, baseUrl: {{_server.BaseUrl}}, key: XI_TEST_API_KEY, concurrency: {{Concurrency}}}
              - name: biased
                prompt: biased.md
                api: {model: m, baseUrl: {{_server.BaseUrl}}, key: XI_TEST_API_KEY, concurrency: {{Concurrency}}}
            """);
    }

    [GeneratedRegex("quality=(?<q>[0-9]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Quality();
}
