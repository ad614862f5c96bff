using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>tiny.yaml as a user runs it: undisturbed, killed, audited, and with bytes flipped behind its back.</summary>
public sealed class TinyRunTests
{
    private static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/tiny.yaml");

    [Fact]
    public async Task Run_KilledAtSeveralMoments_EndsWithTheHashOfAnUndisturbedRun()
    {
        await using var undisturbed = await ProductProcess.CreateAsync();
        await using var killed = await ProductProcess.CreateAsync();
        var expected = await EndAsync(undisturbed);
        var seconds = expected.GetProperty("seconds").GetDouble();
        var moments = new Random(7);
        for (var kill = 0; kill < 4; kill++)
        {
            using var process = killed.Start("run", Recipe, "--json");
            _ = process.StandardOutput.ReadToEndAsync();
            await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(TimeSpan.FromSeconds(1 + (moments.NextDouble() * seconds * 0.6))));
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }

        var ended = await EndAsync(killed);
        ended.GetProperty("release").GetProperty("sha256").GetString().ShouldBe(expected.GetProperty("release").GetProperty("sha256").GetString());
        ended.GetProperty("samples").GetRawText().ShouldBe(expected.GetProperty("samples").GetRawText());
        var audit = await killed.RunAsync("audit", "verify");
        audit.Code.ShouldBe(0, audit.Output);
        await FlippedBytesAreNamedAsync(killed, ended);
    }

    [Fact]
    public async Task Recipe_UnknownKey_ExitsWithTwoAndNamesTheNearest()
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("run", Recipe, "--set", "refine.iteration=3");
        code.ShouldBe(2);
        error.ShouldContain("iterations");
    }

    /// <summary>One byte changed in the events, their headers, the contents and a release file: each is named by its place.</summary>
    private static async Task FlippedBytesAreNamedAsync(ProductProcess product, JsonElement ended)
    {
        const string first = "where seq_id = (select min(seq_id) from xinstruct.mt_events where type = 'sample_rated')";
        await FindingAsync(product, $"update xinstruct.mt_events set data = jsonb_set(data, '{{level}}', '7') {first}", $"update xinstruct.mt_events set data = jsonb_set(data, '{{level}}', (select data -> 'level' from keep)) {first}", "mt_events stream", "data");
        await FindingAsync(product, $"update xinstruct.mt_events set headers = jsonb_set(headers, '{{attempt}}', '99') {first}", $"update xinstruct.mt_events set headers = (select headers from keep) {first}", "mt_events stream", "headers");
        var contents = "where ctid = (select min(ctid) from xinstruct.xi_contents)";
        await product.ExecuteAsync($"update xinstruct.xi_contents set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) {contents}");
        await NamesAsync(product, "xi_contents");
        await product.ExecuteAsync($"update xinstruct.xi_contents set bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1) {contents}");
        var file = Path.Combine(ended.GetProperty("release").GetProperty("path").GetString()!, "sw.jsonl");
        var bytes = await File.ReadAllBytesAsync(file);
        bytes[5] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        await NamesAsync(product, "sw.jsonl");
    }

    private static async Task FindingAsync(ProductProcess product, string damage, string mend, string place, string column)
    {
        await product.ExecuteAsync($"create table keep as select data, headers from xinstruct.mt_events where seq_id = (select min(seq_id) from xinstruct.mt_events where type = 'sample_rated'); {damage}");
        await NamesAsync(product, place);
        await product.ExecuteAsync($"{mend}; drop table keep");
        (await product.RunAsync("audit", "verify")).Code.ShouldBe(0, column);
    }

    private static async Task NamesAsync(ProductProcess product, string place)
    {
        var (code, output, _) = await product.RunAsync("audit", "verify");
        code.ShouldBe(1, output);
        output.ShouldContain(place);
    }

    private static async Task<JsonElement> EndAsync(ProductProcess product)
    {
        var (code, output, error) = await product.RunAsync("run", Recipe, "--json");
        code.ShouldBe(0, error + output);
        return JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
    }
}
