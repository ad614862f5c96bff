using System.Text.Json;
using System.Text.Json.Nodes;

namespace XInstruct.EndToEnd;

/// <summary>The truth is for the report alone: whatever becomes of its file, the release is the same.</summary>
public sealed class TruthTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-truth-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_TruthShuffledReplacedDeleted_SealsTheSameRelease()
    {
        var lines = await File.ReadAllLinesAsync(Path.Combine(Tests.SharedData.Root, "samples/truth/sw.jsonl"));
        var given = await RunAsync(lines);
        new Random(3).Shuffle(lines);
        var shuffled = await RunAsync(lines);
        var replaced = await RunAsync([.. lines.Select(Replace)]);
        var deleted = await RunAsync(null);

        string[] hashes = [Sha256(given), Sha256(shuffled), Sha256(replaced), Sha256(deleted)];
        hashes.ShouldAllBe(hash => hash == hashes[0]);
        // That it is read at all, and joined by the rows' ids and not by their places, shows in the report.
        Screening(shuffled).ShouldBe(Screening(given));
        Screening(replaced).ShouldNotBe(Screening(given));
        Screening(deleted).ShouldBeNull();
    }

    private async Task<JsonElement> RunAsync(string[]? truth)
    {
        var path = Path.Combine(_folder, "sw.jsonl");
        File.Delete(path);
        if (truth is not null) await File.WriteAllLinesAsync(path, truth);
        await using var product = await ProductProcess.CreateAsync();
        return await UndisturbedRun.FinishAsync(product, [.. UndisturbedRun.Small, "--set", $"truth.path={_folder}/{{lang}}.jsonl"]);
    }

    private static string Replace(string line)
    {
        var row = JsonNode.Parse(line)!.AsObject();
        (row["topic"], row["intent"], row["spoilt"]) = ("weather", "story", null);
        return row.ToJsonString();
    }

    private static string Sha256(JsonElement end) => end.GetProperty("release").GetProperty("sha256").GetString()!;

    private static string? Screening(JsonElement end) =>
        end.TryGetProperty("screening", out var screening) && screening.ValueKind == JsonValueKind.Array ? screening.GetRawText() : null;
}
