using System.Diagnostics;
using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary><c>xinstruct tokenize</c> as its page says.</summary>
public sealed class TokenizeTests : IDisposable
{
    private const string Text = "Habari ya asubuhi 😀";

    private readonly string _folder = Directory.CreateTempSubdirectory("xi-tokenize-").FullName;

    private const string Tokenizer = """
        {"added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true},{"id":2,"content":"<|end|>","special":true}],
        "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]},
        "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
        "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["<s>",0],["<|end|>",0],["▁Habari",-1],["▁ya",-1],["▁asubuhi",-2],["▁",-3],["▁user",-3],[":",-4]]}}
        """;

    private static readonly int[] Ids = [3, 4, 5, 6, 0];


    public TokenizeTests()
    {
        var model = Path.Combine(_folder, "models", "tiny");
        Directory.CreateDirectory(model);
        File.WriteAllText(Path.Combine(model, "tokenizer_config.json"), """{"bos_token":"<s>","chat_template":"{{ bos_token }}{% for m in messages %}\n{{ m.role }}: {{ m.content }}<|end|>{% endfor %}"}""");
        File.WriteAllText(Path.Combine(model, "tokenizer.json"), Tokenizer);
        File.WriteAllText(Path.Combine(_folder, "text.txt"), Text + "\n");
        File.WriteAllText(Path.Combine(_folder, "chat.json"), $$"""{"messages": [{"role": "user", "content": "{{Text}}"}]}""");
        File.WriteAllLines(Path.Combine(_folder, "corpus.jsonl"), [$$"""{"output":"{{Text}}","language":"sw"}""", """{"output":"ya","language":"sw"}""", """{"output":"x"}"""]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tokenize_EveryCommandOfItsPage_PrintsTheTokens()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "tokenizers.md"));
        var commands = page.Split('\n').Where(line => line.Contains("./xinstruct tokenize", StringComparison.Ordinal)).Select(line => line[(line.IndexOf("./xinstruct", StringComparison.Ordinal) + 12)..].Split(' ')).ToList();
        commands.Count.ShouldBe(4);
        var lines = new List<JsonElement>();
        foreach (var command in commands)
        {
            var (code, output, error) = await RunAsync(Text + "\n", [.. command.Where(word => word != "--json"), "--json"]);
            code.ShouldBe(0, error);
            lines.Add(JsonDocument.Parse(output).RootElement);
        }

        Ints(lines[0], "ids").ShouldBe(Ids);
        Ints(lines[1], "ids").ShouldBe([1, .. Ids]);
        lines[0].GetProperty("pieces").EnumerateArray().Select(piece => piece.GetString()).ShouldBe(["▁Habari", "▁ya", "▁asubuhi", "▁", "😀"]);
        lines[0].GetProperty("offsets").EnumerateArray().Select(pair => $"{pair[0]}-{pair[1]}").ShouldBe(["0-6", "6-9", "9-17", "17-18", "18-19"]);

        lines[2].GetProperty("text").GetString().ShouldBe($"<s>user: {Text}<|end|>");
        Ints(lines[2], "ids").ShouldBe([1, 7, 8, .. Ids, 2]);
        var counts = lines[3].GetProperty("languages").EnumerateArray().ToDictionary(one => one.GetProperty("language").GetString()!, one => one);
        counts.Keys.ShouldBe(["-", "sw"]);
        counts["sw"].GetProperty("rows").GetInt32().ShouldBe(2);
        counts["sw"].GetProperty("tokens").GetInt32().ShouldBe(Ids.Length + 1);
    }

    [Fact]
    public async Task Tokenize_Terminal_ShowsALineForEachToken()
    {
        var (code, output, error) = await RunAsync("ya\u001b[31m", ["tokenize", "--model", "models/tiny"]);
        code.ShouldBe(0, error);
        output.ShouldContain("0-");
        output.ShouldContain("tokens, 7 characters");
        output.ShouldNotContain("\u001b");
    }

    [Theory]
    [InlineData("[]", "no-model", false, "tokenizer.json")]
    [InlineData("[1", "models/tiny", true, "not JSON")]
    [InlineData("{}", "models/tiny", true, "messages")]
    [InlineData("{\"messages\":null}", "models/tiny", true, "line 1: none has no items")] // of the template
    [InlineData("[{\"role\":\"user\",\"content\":\"\\ud83d\"}]", "models/tiny", true, "not Unicode")]
    [InlineData("{\"messages\":[],\"\\ud83d\":1}", "models/tiny", true, "not JSON")]
    [InlineData("{\"messages\":[],\"a\":1,\"a\":1}", "models/tiny", true, "not JSON")]
    public async Task Tokenize_BadInput_ExitsWithTwo(string input, string model, bool chat, string problem)
    {
        var (code, _, error) = await RunAsync(input, ["tokenize", "--model", model, .. chat ? (string[])["--chat"] : []]);
        code.ShouldBe(2, error);
        error.ShouldContain(problem);
    }

    private static int[] Ints(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];

    private async Task<(int Code, string Output, string Error)> RunAsync(string input, string[] args)
    {
        var start = new ProcessStartInfo(ProductProcess.Program, args) { WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XINSTRUCT_HOME"] = Path.Combine(_folder, "home");
        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
