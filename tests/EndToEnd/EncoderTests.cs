using System.Text.Json;
using System.Text.RegularExpressions;
using XInstruct.Tests;

namespace XInstruct.EndToEnd;

/// <summary>A run whose instructions are embedded by a sentence encoder in ONNX.</summary>
public sealed partial class EncoderTests
{
    [Fact]
    public async Task Run_WithAnEncoder_ClustersItsVectors()
    {
        await using var product = await ProductProcess.CreateAsync();
        var encoder = TinyEncoder.Write(Path.Combine(product.Home, "my encoder"), TinyEncoder.WeightsFile);
        var end = await UndisturbedRun.FinishAsync(product, [.. UndisturbedRun.Small, "--set", $"diversify.encoder.path={encoder}", "--set", "diversify.encoder.normalize=false"]);

        var kept = await product.ReadAsync(
            """
            select convert_from(c.bytes, 'utf8') from xinstruct.mt_events g join xinstruct.xi_contents c on encode(c.hash, 'hex') = g.data ->> 'instruction'
            where g.type = 'instruction_generated' and exists (select from xinstruct.mt_events k where k.stream_id = g.stream_id and k.type = 'sample_kept')
            """,
            r => r.GetString(0));
        kept.ShouldNotBeEmpty();
        var expected = kept.Select(text => TinyEncoder.Mean(Ids(text))).ToList();
        var folder = Path.Combine(product.Home, "work", end.GetProperty("run").GetString()!, "sw");
        var vectors = Directory.EnumerateFiles(folder, "vectors-*.json").SelectMany(Vectors).ToList();
        Sorted(vectors).ShouldBe(Sorted(expected));

        var act = (await product.ReadAsync(
            """
            select distinct convert_from(c.bytes, 'utf8') from xinstruct.mt_events e join xinstruct.xi_contents c on encode(c.hash, 'hex') = e.headers ->> 'act'
            where e.type = 'sample_selected'
            """,
            r => r.GetString(0))).ShouldHaveSingleItem();
        JsonDocument.Parse(act).RootElement.GetProperty("models").GetArrayLength().ShouldBe(1);
        (await product.RunAsync("audit", "verify")).Code.ShouldBe(0);
    }

    // What is no ASCII letter is [UNK], a word with such a sign in it too, but punctuation is a word of its own.
    private static int[] Ids(string text) =>
    [
        2,
        .. Words().Matches(text.ToLowerInvariant()).SelectMany(m => m.Value.All(char.IsAsciiLetterLower) ? TinyEncoder.Ids(m.Value)[1..^1] : [1]),
        3,
    ];

    [GeneratedRegex(@"[\p{P}$+<=>^`|~]|[^\s\p{P}$+<=>^`|~]+", RegexOptions.None, 1000)]
    private static partial Regex Words();

    private static IEnumerable<float[]> Vectors(string path) =>
        JsonDocument.Parse(File.ReadAllText(path)).RootElement.GetProperty("vectors").EnumerateArray().Select(v => v.EnumerateArray().Select(n => n.GetSingle()).ToArray()).ToList();

    private static List<(double, double)> Sorted(IEnumerable<float[]> vectors) =>
        [.. vectors.Select(v => (Math.Round(v[0], 2), Math.Round(v[1], 2))).OrderBy(v => v.Item1).ThenBy(v => v.Item2)];
}
