using System.Diagnostics;
using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary><c>xinstruct generate</c> and <c>score</c> as their page says, and killed.</summary>
public sealed class GenerateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-generate-").FullName;

    public GenerateTests() => TinyModel.Write(Path.Combine(_folder, "models", "tiny"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Generate_KilledAgainAndAgain_GivesTheBytesOfAnUndisturbedRun()
    {
        WriteRows("prompts.jsonl", Enumerable.Range(0, 300).Select(i => i % 50 == 7 ? "no JSON" : $$"""{"id":{{i}},"prompt":"Habari {{i}} {{new string('a', i % 40)}}"}"""));
        string[] Command(string output) => ["generate", "models/tiny", "--in", "prompts.jsonl", "--out", output, "--keep", "id", "--max-new-tokens", "48", "--temperature", "0.8", "--top-p", "0.95", "--seed", "3", "--batch", "8", "--window", "40", "--threads", "1"];
        var (code, _, error) = await RunAsync(Command("whole.jsonl"));
        code.ShouldBe(0, error);
        var whole = await File.ReadAllBytesAsync(In("whole.jsonl"));

        var kills = 0;
        while (true)
        {
            using var process = Start(Command("killed.jsonl"));
            var at = Length("killed.jsonl") + (whole.Length / 5);
            while (!process.HasExited && Length("killed.jsonl") < at) await Task.Delay(2);
            if (process.HasExited)
            {
                process.ExitCode.ShouldBe(0);
                break;
            }

            // The first time as Ctrl-C does it.
            if (kills == 0) ProductProcess.Signal(process, ProductProcess.Interrupt);
            else process.Kill();
            await process.WaitForExitAsync();
            if (kills++ == 0) process.ExitCode.ShouldBe(130);
            // Half a line, as a kill within a write would leave it.
            await File.AppendAllTextAsync(In("killed.jsonl"), "{\"row\":4");
        }

        kills.ShouldBeGreaterThan(1);
        (await File.ReadAllBytesAsync(In("killed.jsonl"))).ShouldBe(whole);

        var lines = Lines("whole.jsonl");
        lines.Select(line => line.GetProperty("row").GetInt32()).ShouldBe(Enumerable.Range(1, 300));
        lines.Count(line => line.TryGetProperty("error", out var problem) && problem.GetString() == "not-json").ShouldBe(6);
        lines[0].GetProperty("id").GetString().ShouldBe("0");
        lines.Count(line => line.TryGetProperty("finish", out var reason) && reason.GetString() == "stop").ShouldBeGreaterThan(0);

        // Complete: nothing is done again. With something else: refused, and said what.
        (code, var said, _) = await RunAsync(Command("whole.jsonl"));
        (code, said.Contains("already", StringComparison.Ordinal)).ShouldBe((0, true));
        (code, _, error) = await RunAsync([.. Command("whole.jsonl"), "--top-k", "5"]);
        (code, error).ShouldSatisfyAllConditions(r => r.code.ShouldBe(2), r => r.error.ShouldContain("sampling.topK was 0, now it is 5"), r => r.error.ShouldContain("--overwrite"));
        (code, _, error) = await RunAsync([.. Command("whole.jsonl"), "--top-k", "5", "--overwrite"]);
        code.ShouldBe(0, error);
        (await File.ReadAllBytesAsync(In("whole.jsonl"))).ShouldNotBe(whole);
    }

    [Fact]
    public async Task Generate_RowsThatAreBad_GetAnErrorAndTheOthersGoOn()
    {
        WriteRows(
            "rows.jsonl",
            [
                """{"prompt":"Habari"}""", """{"other":1}""", """{"prompt":[{"role":"tool","content":"x"}]}""", $$"""{"prompt":"{{new string('x', 5000)}}"}""", "[1]",
                """{"prompt":[{"role":"system","content":"Be brief"},{"role":"user","content":"Habari"}]}""", """{"prompt":"[habari]"}""",
            ]);
        var (code, output, error) = await RunAsync(["generate", "models/tiny", "--in", "rows.jsonl", "--out", "answers.jsonl", "--chat", "--max-new-tokens", "5", "--json"]);
        code.ShouldBe(0, error);
        var lines = Lines("answers.jsonl");
        lines.Select(line => line.TryGetProperty("error", out var problem) ? problem.GetString() : "").ShouldBe(["", "no-column", "bad-messages", "prompt-too-long", "not-an-object", "", ""]);
        lines[2].GetProperty("message").GetString()!.ShouldContain("no tools");
        var summary = JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
        (summary.GetProperty("rows").GetInt32(), summary.GetProperty("errors").GetInt32()).ShouldBe((7, 4));
        summary.GetProperty("newTokens").GetInt32().ShouldBe(lines.Sum(line => line.TryGetProperty("newTokens", out var count) ? count.GetInt32() : 0));
    }

    [Theory]
    [InlineData("no-model", "rows.jsonl", "There is no folder")]
    [InlineData("models/tiny", "absent.jsonl", "There is no file")]
    [InlineData("models/tiny", "rows.jsonl", "--top-p is 1.5", "--top-p", "1.5")]
    [InlineData("models/tiny", "rows.jsonl", "already", "--keep", "text")]
    [InlineData("models/tiny", "rows.jsonl", "no template 'other'", "--chat", "--template", "other")]
    [InlineData("models/tiny", "rows.jsonl", "no folder", "--adapter", "absent")]
    public async Task Generate_WrongInput_ExitsWithTwo(string model, string input, string problem, params string[] others)
    {
        WriteRows("rows.jsonl", ["""{"prompt":"Habari"}"""]);
        var (code, _, error) = await RunAsync(["generate", model, "--in", input, "--out", "answers.jsonl", .. others]);
        code.ShouldBe(2, error);
        error.ShouldContain(problem == "already" ? "the output has a column of that name" : problem);
        Length("answers.jsonl").ShouldBe(0);
    }

    [Fact]
    public async Task Generate_OutputOfSomebodyElse_IsNotTouched()
    {
        WriteRows("rows.jsonl", ["""{"prompt":"Habari"}"""]);
        await File.WriteAllTextAsync(In("answers.jsonl"), "my own\n");
        var (code, _, error) = await RunAsync(["generate", "models/tiny", "--in", "rows.jsonl", "--out", "answers.jsonl"]);
        code.ShouldBe(2);
        error.ShouldContain("--overwrite");
        (await File.ReadAllTextAsync(In("answers.jsonl"))).ShouldBe("my own\n");
    }

    [Fact]
    public async Task Generate_OutputIsTheInput_IsRefused()
    {
        WriteRows("rows.jsonl", ["""{"prompt":"Habari"}"""]);
        File.CreateSymbolicLink(In("link.jsonl"), In("rows.jsonl"));
        foreach (var output in (string[])["rows.jsonl", "./rows.jsonl", "link.jsonl"])
        {
            var (code, _, error) = await RunAsync(["generate", "models/tiny", "--in", "rows.jsonl", "--out", output, "--overwrite"]);
            code.ShouldBe(2);
            error.ShouldContain("is the input too");
        }

        Lines("rows.jsonl").Count.ShouldBe(1);
    }

    [Fact]
    public async Task Generate_ConversationSpellsSpecialTokens_StaysText()
    {
        // A template that shows nothing but the messages: what they spell is all that could be special.
        await File.WriteAllTextAsync(In("models/tiny/chat_template.jinja"), "{% for m in messages %}{{ m.content }}{% endfor %}{{ strftime_now('%Y') }}");
        WriteRows("rows.jsonl", ["""{"prompt":"a<|end|>"}""", """{"prompt":[{"role":"user","content":"a<|end|>"}]}""", """{"prompt":"[1, 2]"}""", """{"prompt":"a<|END|>"}"""]);
        var (code, _, error) = await RunAsync(["generate", "models/tiny", "--in", "rows.jsonl", "--out", "answers.jsonl", "--chat", "--max-new-tokens", "1"]);
        code.ShouldBe(0, error);
        var tokens = Lines("answers.jsonl").ConvertAll(line => line.GetProperty("promptTokens").GetInt32());
        tokens[0].ShouldBe(tokens[1]);
        // In letters, which are more than the one token that it would be.
        tokens[0].ShouldBeGreaterThanOrEqualTo(tokens[3]);
        tokens[2].ShouldBeGreaterThan(4);
    }

    [Fact]
    public async Task Generate_EveryCommandOfItsPage_Works()
    {
        WriteRows("prompts.jsonl", Enumerable.Range(0, 5).Select(i => $$"""{"prompt":"Habari {{i}}"}"""));
        WriteRows("questions.jsonl", ["""{"id":"a","question":"Habari?"}""", """{"id":"b","question":[{"role":"user","content":"Jambo?"}]}"""]);
        WriteRows("pairs.jsonl", ["""{"context":"Habari ya ","continuation":"asubuhi 🙂"}""", """{"context":"","continuation":"Nchi"}""", """{"context":"a","continuation":""}"""]);
        WriteRows("choices.jsonl", Enumerable.Range(0, 4).Select(i => $$"""{"id":{{i}},"question":"Nchi yangu ni gani kati ya hizi zote?","answer":" namba {{i}}"}"""));
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "generation.md"));
        var commands = page.Split('\n').Where(line => line.StartsWith("./xinstruct ", StringComparison.Ordinal)).Select(line => line.Replace("'", "", StringComparison.Ordinal).Split(' ')[1..]).ToList();
        commands.Count.ShouldBe(5);
        foreach (var command in commands)
        {
            var (code, _, error) = await RunAsync(command);
            code.ShouldBe(0, error);
        }

        Lines("continued.jsonl").Count.ShouldBe(5);
        Lines("answers.jsonl").Select(line => line.GetProperty("id").GetString()).ShouldBe(["a", "b"]);
        Lines("stopped.jsonl").ShouldAllBe(line => !line.GetProperty("text").GetString()!.Contains("###", StringComparison.Ordinal));
        foreach (var line in Lines("stopped.jsonl").Concat(Lines("answers.jsonl")))
            line.EnumerateObject().ShouldAllBe(member => member.Name == "id" || page.Contains($"`{member.Name}`", StringComparison.Ordinal));

        var scores = Lines("scores.jsonl");
        scores[2].GetProperty("error").GetString().ShouldBe("empty-continuation");
        var (sum, tokens) = (scores[0].GetProperty("logLikelihood").GetDouble(), scores[0].GetProperty("tokens").GetInt32());
        scores[0].GetProperty("perToken").GetDouble().ShouldBe(sum / tokens, 1e-4);
        scores[0].GetProperty("perCharacter").GetDouble().ShouldBe(sum / 9, 1e-4);
        scores[0].GetProperty("perByte").GetDouble().ShouldBe(sum / 12, 1e-4);
        scores[0].EnumerateObject().ShouldAllBe(member => page.Contains($"`{member.Name}`", StringComparison.Ordinal));
        Lines("choice-scores.jsonl").Select(line => line.GetProperty("logLikelihood").GetDouble()).Distinct().Count().ShouldBe(4);
    }

    [Fact]
    public async Task Score_Killed_GivesTheBytesOfAnUndisturbedRun()
    {
        WriteRows("pairs.jsonl", Enumerable.Range(0, 6000).Select(i => $$"""{"context":"Nchi yangu ni {{i / 3}} {{new string('b', i % 300)}}","continuation":" nzuri {{i % 3}}"}"""));
        string[] Command(string output) => ["score", "models/tiny", "--in", "pairs.jsonl", "--out", output, "--window", "100", "--threads", "1"];
        var (code, _, error) = await RunAsync(Command("whole.jsonl"));
        code.ShouldBe(0, error);
        using (var process = Start(Command("killed.jsonl")))
        {
            // At its first bytes, of sixty windows: a machine that is ten times as fast is killed in time too.
            while (!process.HasExited && Length("killed.jsonl") == 0) await Task.Delay(1);
            process.HasExited.ShouldBeFalse();
            process.Kill();
            await process.WaitForExitAsync();
        }

        Length("killed.jsonl").ShouldBeInRange(1, Length("whole.jsonl") - 1);
        (code, _, error) = await RunAsync(Command("killed.jsonl"));
        code.ShouldBe(0, error);
        (await File.ReadAllBytesAsync(In("killed.jsonl"))).ShouldBe(await File.ReadAllBytesAsync(In("whole.jsonl")));
        Lines("whole.jsonl").Count.ShouldBe(6000);
    }

    private string In(string name) => Path.Combine(_folder, name);

    private long Length(string name) => new FileInfo(In(name)) is { Exists: true, Length: var length } ? length : 0;

    private void WriteRows(string name, IEnumerable<string> rows) => File.WriteAllText(In(name), string.Join('\n', rows) + "\n");

    private List<JsonElement> Lines(string name) => [.. File.ReadLines(In(name)).Select(line => JsonDocument.Parse(line).RootElement)];

    private Process Start(string[] args)
    {
        var start = new ProcessStartInfo(ProductProcess.Program, args) { WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XINSTRUCT_HOME"] = In("home");
        return Process.Start(start)!;
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] args)
    {
        using var process = Start(args);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
