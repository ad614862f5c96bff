using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using XInstruct.Activities.Storage;

namespace XInstruct.EndToEnd.Building;

/// <summary><c>xinstruct build</c> and <c>data check</c> as their page says, killed, and with bad input.</summary>
public sealed class BuildTests : IAsyncLifetime
{
    private const string Recipe = "samples/recipes/build-tiny.yaml";
    private ProductProcess _product = null!;

    public async Task InitializeAsync() => _product = await ProductProcess.CreateAsync();

    public async Task DisposeAsync() => await _product.DisposeAsync();

    [Fact]
    public async Task Build_KilledAgainAndAgain_GivesTheBytesOfAnUndisturbedBuild()
    {
        var random = new Random(11);
        string[] vectors = ["semanticDedup.vectors.model=samples/models/tiny", "semanticDedup.threshold=0.98"];
        // The start, nine parts, five ended stages, the end: somewhere among them.
        foreach (var commit in (int[])[random.Next(1, 5), random.Next(1, 5), random.Next(1, 5)])
        {
            await _product.KillAtAsync(Moments.Committed, commit, ["build", Recipe, "--set", $"output={In("killed")}", .. vectors.SelectMany(v => new[] { "--set", v }), "--json"]);
        }

        var result = await BuildAsync(_product, Recipe, [$"output={In("killed")}", .. vectors]);
        await using var other = await ProductProcess.CreateAsync();
        var undisturbed = await BuildAsync(other, Recipe, [$"output={Path.Combine(other.Home, "whole")}", .. vectors]);
        result.GetProperty("result").GetString().ShouldBe(undisturbed.GetProperty("result").GetString());
        Files(In("killed")).ShouldBe(Files(Path.Combine(other.Home, "whole")));
        Files(In("killed")).Keys.ShouldContain("both-native/test/ending/short-stories/test_sw.csv");
        File.ReadLines(Path.Combine(In("killed"), "duplicates.csv")).Count().ShouldBeGreaterThan(1);
        (await _product.CountEventsAsync()).ShouldBe(await other.CountEventsAsync());
    }

    [Fact]
    public async Task Build_CutFiles_AreNamedWithTheirRow()
    {
        await File.WriteAllBytesAsync(In("cut.csv.gz"), Cut("samples/build/hotel-notes.csv"));
        await File.WriteAllBytesAsync(In("cut.jsonl.gz"), Cut("samples/build/evaluation.jsonl"));
        await BuildAsync(_product, Recipe, $"sources.0.path={In("cut.csv.gz")}", $"output={In("short")}");
        var card = JsonDocument.Parse(await File.ReadAllTextAsync(In("short/card.json"))).RootElement;
        var cut = card.GetProperty("cut").EnumerateArray().ShouldHaveSingleItem();
        cut.GetProperty("source").GetString().ShouldBe("hotel-notes");
        var drop = File.ReadLines(In("short/drops.jsonl")).Single(line => line.Contains("\"truncated\"", StringComparison.Ordinal));
        drop.ShouldContain($"\"row\":{cut.GetProperty("row").GetInt64()},");
        drop.ShouldContain("the file is cut in this row; whatever stood behind it is missing");
        (await File.ReadAllTextAsync(In("short/report.html"))).ShouldContain("Files that are cut");
        // What ships and was read is named with its content.
        card.GetProperty("registries")[0].GetString()!.ShouldMatch("^korani [0-9a-f]{64}$");
        // Rows of an evaluation set that are not there would be trained on without a word.
        var (code, _, error) = await _product.RunAsync("build", Recipe, "--set", $"decontaminate.against.0.path={In("cut.jsonl.gz")}", "--set", $"output={In("never")}");
        code.ShouldBe(2, error);
        error.ShouldContain("The evaluation set garden-quiz is cut in row ");

        static byte[] Cut(string path)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.NoCompression, leaveOpen: true)) gzip.Write(File.ReadAllBytes(Path.Combine(Tests.SharedData.Root, path)));
            return packed.ToArray()[..(int)(packed.Length * 2 / 3)];
        }
    }

    [Fact]
    public async Task Build_EveryRecipeAndCommandOfItsPage_Works()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs/building.md"));
        Directory.CreateSymbolicLink(In("samples"), Path.Combine(Tests.SharedData.Root, "samples"));
        foreach (var yaml in page.Split("```yaml\n").Skip(1).Select(part => part.Split("```")[0]))
        {
            var name = yaml.Split('\n')[0].TrimStart('#', ' ');
            await File.WriteAllTextAsync(In(name), yaml);
            (await BuildAsync(_product, In(name))).GetProperty("status").GetString().ShouldBe("completed");
        }

        var commands = page.Split("```sh\n").Skip(1).SelectMany(part => part.Split("```")[0].Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(line => line.Split('#')[0].Trim()).ToList();
        commands.Count.ShouldBeGreaterThan(4);
        foreach (var command in commands)
        {
            var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            words[0].ShouldBe("./xinstruct");
            var (code, output, error) = await _product.RunInAsync(_product.Home, words[1..]);
            // The one file that is wrong on purpose.
            code.ShouldBe(command.Contains("damaged", StringComparison.Ordinal) ? 2 : 0, command + output + error);
            // What the page shows is what is printed.
            if (words[1] == "data") page.ShouldContain(output.Trim());
        }

        page.ShouldContain(await File.ReadAllTextAsync(In("built/card.md")) is var card ? card[card.IndexOf("## both-native, train", StringComparison.Ordinal)..card.IndexOf("## both-native, test", StringComparison.Ordinal)].Trim() : "");
    }

    private string In(string name) => Path.Combine(_product.Home, name);

    private static async Task<JsonElement> BuildAsync(ProductProcess product, string recipe, params string[] set)
    {
        var (code, output, error) = await product.RunAsync(["build", recipe, .. set.SelectMany(s => new[] { "--set", s }), "--json"]);
        code.ShouldBe(0, error);
        return JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;
    }

    private static SortedDictionary<string, string> Files(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(folder, file), file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))),
        StringComparer.Ordinal);
}
