using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Activities.Tests.Serving;
using XInstruct.Training.Adapters;

namespace XInstruct.EndToEnd.Serving;

/// <summary><c>serve</c> and <c>chat</c> as their page says.</summary>
public sealed partial class ServePageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-serve-").FullName;

    public ServePageTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "models"));
        using var model = new TinyModelFolder();
        CopyFolder(model.Path, Path.Combine(_folder, "models", "tiny"));
        using var decoder = model.Load();
        Adapter.Attach(decoder, new AdapterOptions { Rank = 2, Targets = ["q_proj"] }, seed: 1).Save(Path.Combine(_folder, "adapters", "sw"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Page_EveryServeAndCurl_Answers()
    {
        var page = Commands().ToList();
        var curls = page.Where(c => c.StartsWith("curl ", StringComparison.Ordinal)).ToList();
        curls.Count.ShouldBe(3);
        var serves = page.Where(c => c.Contains("./xinstruct serve", StringComparison.Ordinal)).ToList();
        serves.Count.ShouldBe(4);
        foreach (var serve in serves)
        {
            await using var server = await ServeProcess.RunAsync(_folder, Here(serve));
            var name = server.Said.GetProperty("model").GetString()!;
            name.ShouldBe(serve.Contains("--name swahili", StringComparison.Ordinal) ? "swahili" : serve.Contains("--name generator", StringComparison.Ordinal) ? "generator" : "tiny");
            server.Said.GetProperty("parameters").GetInt64().ShouldBeGreaterThan(10_000);
            var port = new Uri(server.BaseUrl).Port;
            var hasKey = serve.StartsWith("SERVE_API_KEY", StringComparison.Ordinal);
            foreach (var curl in curls)
            {
                var line = curl.Replace("127.0.0.1:8000", $"127.0.0.1:{port}", StringComparison.Ordinal).Replace("\"tiny\"", $"\"{name}\"", StringComparison.Ordinal);
                if (hasKey) (await ShellAsync(line.Replace("curl ", "curl -s ", StringComparison.Ordinal))).ShouldContain("invalid_api_key");
                var reply = await ShellAsync(line.Replace("curl ", "curl -s --noproxy '*' " + (hasKey ? "-H 'Authorization: Bearer secret' " : ""), StringComparison.Ordinal));
                if (curl.Contains("-N", StringComparison.Ordinal)) reply.TrimEnd().ShouldEndWith("data: [DONE]");
                else JsonDocument.Parse(reply).RootElement.GetProperty("object").GetString().ShouldBe(curl.EndsWith("/models", StringComparison.Ordinal) ? "list" : "chat.completion");
            }

            server.Signal(ProductProcess.Interrupt);
            (await server.EndAsync()).ShouldBe(0, await server.Error);
            (await server.Error).ShouldContain("No more requests");
        }

        var logs = string.Concat(Directory.EnumerateFiles(Path.Combine(_folder, "logs")).Select(File.ReadAllText));
        LogLine().Count(logs).ShouldBeGreaterThanOrEqualTo(4);
        logs.ShouldNotContain("Habari");
        logs.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Page_EveryChat_Answers()
    {
        var chats = Commands().Where(c => c.Contains("./xinstruct chat", StringComparison.Ordinal)).ToList();
        chats.Count.ShouldBe(3);
        foreach (var chat in chats)
        {
            var line = chat.Contains('|', StringComparison.Ordinal) ? chat : "echo Habari | " + chat + " --max-new-tokens 10";
            (await ShellAsync(Here(line))).Trim().ShouldNotBeEmpty();
        }

        var saved = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "chat.json"))).RootElement.GetProperty("messages");
        saved.EnumerateArray().Select(m => m.GetProperty("role").GetString()).ShouldBe(["user", "assistant"]);
        // What is said of the file is true.
        (await ShellAsync(Here("./xinstruct tokenize chat.json --model models/tiny --chat --json"))).ShouldContain("<|instruction|>Habari?");
    }

    [Fact]
    public async Task Chat_Piped_KeepsHistoryAndObeys()
    {
        const string quotes = "\"\"\"";
        var input = string.Join('\n', "/system Karibu", "one \\", "two", quotes, "/three", "", "four", quotes, "/save a.json", "/nonsense", "/reset", "five", "/save b.json", "/save no/such/folder.json", "/exit", "six");
        var (output, error) = await ChatAsync(input, "--temperature", "0", "--max-new-tokens", "5", "--json");
        output.Trim().Split('\n').Select(l => JsonDocument.Parse(l).RootElement.GetProperty("newTokens").GetInt32()).ShouldAllBe(n => n <= 5);
        Saved("a.json").Select(m => m.Role).ShouldBe(["system", "user", "assistant", "user", "assistant"]);
        Saved("a.json").Where(m => m.Role != "assistant").Select(m => m.Content).ShouldBe(["Karibu", "one \ntwo", "/three\n\nfour"]);
        Saved("b.json").Select(m => m.Role).ShouldBe(["system", "user", "assistant"]);
        error.ShouldContain("no /nonsense");
        error.ShouldContain("cannot be written");
        // What was said before is part of the prompt: each conversation has other tokens.
        output.Trim().Split('\n').Select(l => JsonDocument.Parse(l).RootElement.GetProperty("promptTokens").GetInt32()).ToList().ShouldSatisfyAllConditions(
            p => p.Count.ShouldBe(3), p => p[1].ShouldBeGreaterThan(p[0]), p => p[2].ShouldBeLessThan(p[1]));

        IReadOnlyList<(string Role, string Content)> Saved(string name) =>
            [.. JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, name))).RootElement.GetProperty("messages").EnumerateArray().Select(m => (m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))];
    }

    [Fact]
    public async Task Chat_LongConversation_ForgetsItsBeginning()
    {
        var (output, error) = await ChatAsync(string.Join('\n', Enumerable.Repeat("Habari ya asubuhi rafiki yangu", 12)) + "\n" + new string('q', 500), "--temperature", "0", "--max-new-tokens", "20", "--max-context", "120", "--json");
        var prompts = output.Trim().Split('\n').Select(l => JsonDocument.Parse(l).RootElement.GetProperty("promptTokens").GetInt32()).ToList();
        prompts.Count.ShouldBe(12);
        prompts.ShouldAllBe(p => p <= 100);
        error.ShouldContain("its beginning is forgotten");
        error.ShouldContain("too long");
    }

    [Fact]
    public async Task Chat_CtrlC_StopsTheReplyNotTheProgram()
    {
        using var process = Start("--max-new-tokens", "2000", "--temperature", "0");
        var error = process.StandardError.ReadToEndAsync();
        var buffer = new char[1 << 16];
        // Noise may end by itself before the signal comes; hardly three times.
        for (var tries = 0; tries < 3; tries++)
        {
            await process.StandardInput.WriteAsync($"Habari {tries}\n");
            await process.StandardInput.FlushAsync();
            var read = await process.StandardOutput.ReadAsync(buffer);
            read.ShouldBeGreaterThan(0);
            ProductProcess.Signal(process, ProductProcess.Interrupt);
            while (read > 0 && !buffer.AsSpan(0, read).Contains('\n')) read = await process.StandardOutput.ReadAsync(buffer);
        }

        await process.StandardInput.WriteAsync("/save after.json\n/exit\n");
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await error);
        (await error).ShouldContain(", stopped");
        JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder, "after.json"))).RootElement.GetProperty("messages").GetArrayLength().ShouldBe(6);
    }

    [Theory]
    [InlineData("--host 0.0.0.0", "--token-env")]
    [InlineData("--token-env MY_SECRET", "_API_KEY")]
    [InlineData("--token-env NOBODY_SET_API_KEY", "not set")]
    [InlineData("--host example.org", "address")]
    [InlineData("--max-rows 64 --token-budget 64", "above")]
    [InlineData("--chat-template '{% for %}'", "line 1")]
    [InlineData("--adapter models", "adapter_config.json")]
    [InlineData("--port 70000", "65535")]
    public async Task Serve_BadOption_IsSaidBeforeAnythingIsServed(string options, string said)
    {
        var (code, error) = await FailAsync($"serve models/tiny {options}");
        code.ShouldBe(2, error);
        error.ShouldContain(said);
        error.ShouldNotContain("   at ");
    }

    [Fact]
    public async Task Serve_PortTaken_ExitsWithTwo()
    {
        await using var server = await ServeProcess.RunAsync(_folder, Here("./xinstruct serve models/tiny"));
        var (code, error) = await FailAsync($"serve models/tiny --port {new Uri(server.BaseUrl).Port}");
        code.ShouldBe(2, error);
        error.ShouldContain("taken by another program");
    }

    private static IEnumerable<string> Commands() => File.ReadAllText(Path.Combine(Tests.SharedData.Root, "docs", "serve.md")).Split("```bash\n").Skip(1)
        .SelectMany(block => block[..block.IndexOf("```", StringComparison.Ordinal)].Split('\n', StringSplitOptions.RemoveEmptyEntries));

    private static string Here(string command) => command.Replace("./xinstruct", ProductProcess.Program, StringComparison.Ordinal);

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    private Process Start(params string[] options)
    {
        var start = new ProcessStartInfo(ProductProcess.Program, ["chat", "models/tiny", .. options]) { WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XINSTRUCT_HOME"] = _folder;
        return Process.Start(start)!;
    }

    private async Task<(string Output, string Error)> ChatAsync(string input, params string[] options)
    {
        using var process = Start(options);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await error);
        return (await output, await error);
    }

    private async Task<string> ShellAsync(string command)
    {
        var (code, output, error) = await BashAsync(command);
        code.ShouldBe(0, command + "\n" + error);
        return output;
    }

    private async Task<(int Code, string Error)> FailAsync(string arguments)
    {
        var (code, _, error) = await BashAsync($"{ProductProcess.Program} {arguments}");
        return (code, error);
    }

    private async Task<(int Code, string Output, string Error)> BashAsync(string command)
    {
        var start = new ProcessStartInfo("bash", ["-c", command]) { WorkingDirectory = _folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XINSTRUCT_HOME"] = _folder;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }

    [GeneratedRegex("POST \"?/v1/(?:chat/)?completions\"? 200 ", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex LogLine();
}
