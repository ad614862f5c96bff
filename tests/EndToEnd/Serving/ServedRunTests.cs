using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit.Abstractions;

namespace XInstruct.EndToEnd.Serving;

/// <summary>The main job with a local generator, and with the same checkpoint behind <c>serve</c>.</summary>
public sealed class ServedRunTests(ITestOutputHelper output)
{
    private const double Margin = 1e-4;

    /// <summary>The local prompt as a chat template: what a message says is text there too, and special tokens that it spells are none.</summary>
    private const string Template = "<|text|>{{ messages[-1].content }}<|instruction|>";

    // One generator, so that no other has a say; all of each text, which an endpoint gets too; enough training that all instructions end.
    private static readonly string[] s_options =
    [
        .. new[]
        {
            "languages=[sw]", "refine.iterations=0", "refine.generators=1", "refine.rank=evaluator", "models.generator.maxTextTokens=1024", "models.generator.sampling.maxNewTokens=64",
            "models.generator.tuning.steps=100", "models.evaluator.tuning.steps=4", "models.student.tuning.steps=2", "models.evaluator.maxTextTokens=32", "models.student.maxTextTokens=32",
        }.SelectMany(s => new[] { "--set", s }),
    ];

    private sealed record Written(string Text, string Instruction, long TokensIn);

    [Fact]
    public async Task Run_GeneratorBehindServe_WritesWhatTheLocalOneWrites()
    {
        await using var local = await ProductProcess.CreateAsync();
        await UndisturbedRun.FinishAsync(local, s_options);
        var expected = await InstructionsAsync(local);
        expected.Count.ShouldBeGreaterThan(200);
        expected.Values.Select(w => w.Instruction).Distinct().Count().ShouldBeGreaterThan(10);
        var checkpoint = (await local.ReadAsync("select data ->> 'checkpoint' from xinstruct.mt_events where type = 'checkpoint_saved' and data ->> 'role' = 'generator-0'", r => r.GetString(0))).Single();
        var folder = Path.Combine(local.Home, "trees", checkpoint[..2], checkpoint);

        await using var remote = await ProductProcess.CreateAsync();
        var prompt = Path.Combine(remote.Home, "prompt.md");
        await File.WriteAllTextAsync(prompt, "{text}");
        await using var server = await ServeProcess.StartAsync(local.Home, folder, "--name", "generator", "--chat-template", Template, "--threads", "2");
        var end = await UndisturbedRun.FinishAsync(
            remote, [.. s_options, .. new[] { "model=generator", $"baseUrl={server.BaseUrl}", $"promptFile={prompt}", "concurrency=16" }.SelectMany(s => new[] { "--set", $"models.generator.api.{s}" })]);
        var found = await InstructionsAsync(remote);
        (await remote.ReadAsync("select count(*) from xinstruct.mt_events where type = 'generation_failed'", r => r.GetInt64(0))).ShouldBe([0]);
        end.GetProperty("ledger").GetProperty("calls").EnumerateArray().Sum(c => c.GetProperty("calls").GetInt64()).ShouldBe(expected.Count);

        found.Keys.Order().ShouldBe(expected.Keys.Order());
        // The same tokens went in.
        found.ShouldAllBe(f => f.Value.TokensIn == expected[f.Key].TokensIn && f.Value.Text == expected[f.Key].Text);
        using var client = server.Client();
        var (smallest, close) = (double.MaxValue, 0);
        foreach (var (sample, written) in expected)
        {
            if (found[sample].Instruction == written.Instruction) continue;
            close++;
            (await MarginAsync(client, written.Text)).ShouldBeLessThanOrEqualTo(Margin, $"{sample}: local '{written.Instruction}', served '{found[sample].Instruction}'");
        }

        foreach (var text in expected.Values.Take(40).Select(w => w.Text)) smallest = Math.Min(smallest, await MarginAsync(client, text));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{expected.Count} texts, {expected.Count - close} with the same instruction, {expected.Values.Select(w => w.Instruction).Distinct().Count()} different ones; smallest margin of the first 40: {smallest:G4}"));
        close.ShouldBeLessThan(5);
        server.Signal(ProductProcess.Interrupt);
        (await server.EndAsync()).ShouldBe(0);
    }

    /// <summary>Text, instruction and prompt tokens by sample.</summary>
    private static async Task<Dictionary<string, Written>> InstructionsAsync(ProductProcess product) => (await product.ReadAsync(
        """
        select s.data ->> 'sampleId', convert_from(t.bytes, 'UTF8'), convert_from(i.bytes, 'UTF8'), (e.headers ->> 'tokensIn')::bigint
        from xinstruct.mt_events e
        join xinstruct.mt_doc_sample s on s.id = e.stream_id
        join xinstruct.xi_contents i on i.hash = decode(e.data ->> 'instruction', 'hex')
        join xinstruct.xi_contents t on t.hash = decode(s.data ->> 'text', 'hex')
        where e.type = 'instruction_generated'
        """,
        r => (Sample: r.GetString(0), Written: new Written(r.GetString(1), r.GetString(2), r.GetInt64(3))))).ToDictionary(w => w.Sample, w => w.Written);

    /// <summary>By how much, at the closest place of the served reply, the chosen token is more probable than the next.</summary>
    private static async Task<double> MarginAsync(HttpClient client, string text)
    {
        var body = new { model = "generator", messages = new[] { new { role = "user", content = text } }, temperature = 0, max_tokens = 64, logprobs = true, top_logprobs = 2 };
        using var response = await client.PostAsJsonAsync("chat/completions", body);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray()
            .Min(t => t.GetProperty("top_logprobs")[0].GetProperty("logprob").GetDouble() - t.GetProperty("top_logprobs")[1].GetProperty("logprob").GetDouble());
    }
}
