using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace XInstruct.EndToEnd.Jobs;

/// <summary><c>xinstruct probe</c> as a user runs it.</summary>
public sealed class ProbeTests
{
    private static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/probe-tiny.yaml");

    [Fact]
    public async Task Probe_Killed_GoesOnAndGivesTheSameBytes_WhichItsPageShows()
    {
        string[] command = ["probe", Recipe, "--set", "window=4", "--json"];
        await using var whole = await ProductProcess.CreateAsync();
        var (code, output, error) = await whole.RunAsync(command);
        code.ShouldBe(0, error);
        var events = await whole.CountEventsAsync();

        await using var killed = await ProductProcess.CreateAsync();
        await killed.KillAtAsync(new Random(5).NextInt64(events / 3, events - 5), command);

        var again = await killed.RunAsync(command);
        again.Code.ShouldBe(0, again.Error);
        var result = Output(output);
        Files(Output(again.Output)).ShouldBe(Files(result));
        (await killed.CountEventsAsync()).ShouldBe(events);

        var lens = File.ReadLines(Path.Combine(result, "lens.csv")).Skip(1).Select(line => line.Split(',')).ToList();
        // Two layers; three measures of English, five of the three others.
        lens.Count.ShouldBe(2 * (3 + (3 * 5)));
        lens.ShouldAllBe(row => row[4] == "entropy" || Number(row[5]) > 0 && Number(row[5]) < 1 && Number(row[6]) <= Number(row[5]));
        File.ReadLines(Path.Combine(result, "pearson.csv")).Count().ShouldBe(1 + (3 * 4));
        File.ReadLines(Path.Combine(result, "pca.csv")).Count().ShouldBe(1 + (3 * 40));
        var page = await File.ReadAllTextAsync(Path.Combine(Tests.SharedData.Root, "docs", "probing.md"));
        page.ShouldContain("./xinstruct probe samples/recipes/probe-tiny.yaml --set output=result\n");
        var report = await File.ReadAllLinesAsync(Path.Combine(result, "report.md"));
        // "b" begins "bad" and "buruk": counts are the same on every machine.
        var items = report.Single(line => line.StartsWith("| tiny | opinion | id | 10 | 5 | 0 | 5 | 0 |", StringComparison.Ordinal));
        page.ShouldContain(items);
        page.ShouldContain("| tiny, opinion | rows | embedding | layer 1 | layer 2 |");
        report.ShouldContain("| tiny, opinion | rows | embedding | layer 1 | layer 2 |");
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string Output(string said) => JsonDocument.Parse(said.TrimEnd().Split('\n')[^1]).RootElement.GetProperty("output").GetString()!;

    private static SortedDictionary<string, string> Files(string folder) =>
        new(Directory.EnumerateFiles(folder).ToDictionary(file => Path.GetFileName(file), file => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)))), StringComparer.Ordinal);
}
