using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using XInstruct.Activities.Exports;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Tests.Exports;

public sealed class ReleaseExporterTests
{
    private static readonly string[] Names = ["instruction", "output", "lang", "id", "score", "cluster", "iteration", "version", "source", "row"];

    [Theory]
    [InlineData("jsonl")]
    [InlineData("csv")]
    public async Task ExportAsync_Tables_ComeBackRowByRow(string format)
    {
        using var release = new SealedFolder();
        var export = await release.ExportAsync(format, release.Out("tables"));
        export.Files.Select(f => f.Name).ShouldBe([$"small-sw.{format}", $"small-th.{format}"]);
        foreach (var (language, expected) in release.Rows)
        {
            var path = Path.Combine(release.Out("tables"), $"small-{language}.{format}");
            var rows = await TableReader.ReadAsync(path, new TableReadOptions(), CancellationToken.None).ToListAsync();
            rows.Count.ShouldBe(expected.Count);
            foreach (var (found, row) in rows.Zip(expected))
            {
                found.Columns!.Keys.ShouldBe(Names);
                string[] values = [row.Instruction, row.Output, row.Lang, $"{row.Id}", Text(row.Score), Text(row.Cluster), Text(row.Iteration), Text(row.Version), $"{row.Source}", Text(row.Row)];
                Names.Select(n => found.Columns[n]).ShouldBe(values);
            }
        }

        static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task ExportAsync_Jsonl_IsTheReleaseItself()
    {
        using var release = new SealedFolder();
        await release.ExportAsync("jsonl", release.Out("lines"), "th");
        Directory.EnumerateFiles(release.Out("lines")).ShouldHaveSingleItem();
        File.ReadAllBytes(release.Out("lines/small-th.jsonl")).ShouldBe(File.ReadAllBytes(Path.Combine(release.Folder, "th.jsonl")));
    }

    [Theory]
    [InlineData("alpaca", "instruction", "output", "input")]
    [InlineData("sharegpt", "conversations[0].value", "conversations[1].value", null)]
    [InlineData("sharegpt", "conversations[from=human].value", "conversations[from=gpt].value", null)]
    [InlineData("messages", "messages[role=user].content", "messages[role=assistant].content", null)]
    public async Task ExportAsync_ForTraining_ComesBackAsSeeds(string format, string instruction, string output, string? input)
    {
        using var release = new SealedFolder();
        await release.ExportAsync(format, release.Out("data"));
        var recipe = new Recipe { Seeds = new SeedOptions { Instruction = instruction, Output = output, Input = input } };
        var seeds = await SeedReader.ReadAsync(recipe, "sw", new SeedFiles(release.Out("data/small-sw.json"), null), CancellationToken.None);
        seeds.ShouldBe(release.Rows["sw"].Select(r => new Seed((int)r.Row, r.Instruction, r.Output)));
    }

    [Fact]
    public async Task ExportAsync_ForLlamaFactory_HasTheKeysItReads()
    {
        using var release = new SealedFolder();
        await release.ExportAsync("alpaca", release.Out("alpaca"));
        await release.ExportAsync("sharegpt", release.Out("sharegpt"));
        var alpaca = JsonNode.Parse(File.ReadAllText(release.Out("alpaca/small-sw.json")))!.AsArray();
        alpaca[3]!.AsObject().Select(m => m.Key).ShouldBe(["instruction", "input", "output"]);
        var turns = JsonNode.Parse(File.ReadAllText(release.Out("sharegpt/small-sw.json")))![3]!["conversations"]!.AsArray();
        turns.Select(t => (string?)t!["from"]).ShouldBe(["human", "gpt"]);
        Entry("alpaca").ToJsonString().ShouldBe("""{"file_name":"small-th.json","columns":{"prompt":"instruction","query":"input","response":"output"}}""");
        Entry("sharegpt").ToJsonString().ShouldBe("""{"file_name":"small-th.json","formatting":"sharegpt","columns":{"messages":"conversations"}}""");

        JsonNode Entry(string folder) => JsonNode.Parse(File.ReadAllText(release.Out($"{folder}/dataset_info.json")))!["small_th"]!;
    }

    [Fact]
    public async Task ExportAsync_IntoAFolderOfOthers_AddsToTheirList()
    {
        using var release = new SealedFolder();
        Directory.CreateDirectory(release.Out("data"));
        File.WriteAllText(release.Out("data/dataset_info.json"), """{"identity":{"file_name":"identity.json"},"small_sw":{"file_name":"old.json"}}""");
        await release.ExportAsync("alpaca", release.Out("data"));
        var list = JsonNode.Parse(File.ReadAllText(release.Out("data/dataset_info.json")))!.AsObject();
        list.Select(e => $"{e.Key}={e.Value!["file_name"]}").ShouldBe(["identity=identity.json", "small_sw=small-sw.json", "small_th=small-th.json"]);
        File.WriteAllText(release.Out("data/dataset_info.json"), "[1");
        (await Should.ThrowAsync<ExportException>(() => release.ExportAsync("alpaca", release.Out("data")))).Message.ShouldContain("dataset_info.json");
        File.ReadAllText(release.Out("data/dataset_info.json")).ShouldBe("[1");
    }

    [Theory]
    [InlineData("alpaca", "all.json")]
    [InlineData("sharegpt", "all.json")]
    [InlineData("messages", "all.json")]
    [InlineData("jsonl", "all.jsonl")]
    [InlineData("csv", "all.csv")]
    [InlineData("parquet", "all.parquet")]
    public async Task ExportAsync_Twice_GivesTheSameBytes(string format, string name)
    {
        using var release = new SealedFolder();
        var first = await release.ExportAsync(format, release.Out(name));
        var bytes = File.ReadAllBytes(release.Out(name));
        first.Files.ShouldHaveSingleItem().Rows.ShouldBe(80);
        (await release.ExportAsync(format, release.Out(name))).Files.ShouldBe(first.Files);
        File.ReadAllBytes(release.Out(name)).ShouldBe(bytes);
        bytes.AsSpan().IndexOf("\uFEFF"u8).ShouldBe(-1);
        Directory.EnumerateFiles(Path.GetDirectoryName(release.Out(name))!, "*.part").ShouldBeEmpty();
    }

    /// <summary>DuckDB 1.5.6 and hyparquet 1.31.5 read the file of this hash: 12,002 rows in three groups, each as in the release.</summary>
    [Fact]
    public async Task ExportAsync_Parquet_IsTheFileThatOthersRead()
    {
        using var release = new SealedFolder(6001);
        var export = await release.ExportAsync("parquet", release.Out("all.parquet"));
        export.Files.ShouldHaveSingleItem().Sha256.ShouldBe("bbef2acb7b4de92032c2eed6c07f03c81ba9b8410980aeff0c4d4aa6dde738b8");
        await release.ExportAsync("jsonl", release.Out("all.jsonl"));
        var (options, ct) = (new XInstruct.Activities.Tables.TableReadOptions(), CancellationToken.None);
        var rows = await XInstruct.Activities.Tables.TableReader.ReadAsync(release.Out("all.parquet"), options, ct).ToListAsync();
        var same = await XInstruct.Activities.Tables.TableReader.ReadAsync(release.Out("all.jsonl"), options, ct).ToListAsync();
        rows.Count.ShouldBe(12_002);
        // A number is the same one, and may be written otherwise.
        foreach (var (row, other) in rows.Zip(same)) row.Columns!.Where(c => c.Key != "score").ShouldBe(other.Columns!.Where(c => c.Key != "score"));
    }

    [Fact]
    public async Task ExportAsync_HuggingFace_IsAFolderToUpload()
    {
        using var release = new SealedFolder();
        var export = await release.ExportAsync("huggingface", release.Out("hub"), "th");
        export.Files.ShouldHaveSingleItem().Name.ShouldBe("data/th.parquet");
        await release.ExportAsync("parquet", release.Out("th.parquet"), "th");
        File.ReadAllBytes(release.Out("hub/data/th.parquet")).ShouldBe(File.ReadAllBytes(release.Out("th.parquet")));
        foreach (var name in new[] { "manifest.json", "th.jsonl" }) File.ReadAllBytes(release.Out("hub/sealed/" + name)).ShouldBe(File.ReadAllBytes(Path.Combine(release.Folder, name)));
        var card = File.ReadAllText(release.Out("hub/README.md"));
        var head = new YamlDotNet.Serialization.Deserializer().Deserialize<Dictionary<string, object>>(card.Split("---\n")[1]);
        ((List<object>)head["language"]).ShouldBe(["th"]);
        ((List<object>)head["size_categories"]).ShouldBe(["n<1K"]);
        var configurations = ((List<object>)head["configs"]).Cast<Dictionary<object, object>>().Select(c => $"{c["config_name"]}={c["data_files"]}");
        configurations.ShouldBe(["default=data/*.parquet", "th=data/th.parquet"]);
        card.ShouldContain("40 pairs for instruction tuning in Thai");
        card.ShouldContain(release.Run.Release!.Sha256);
        card.ShouldNotContain("\r");
    }

    [Theory]
    [InlineData("manifest.json")]
    [InlineData("sw.jsonl")]
    public async Task ExportAsync_ChangedFile_IsNamedAndNothingIsWritten(string name)
    {
        using var release = new SealedFolder();
        var path = Path.Combine(release.Folder, name);
        var bytes = File.ReadAllBytes(path);
        bytes[^3] ^= 1;
        File.WriteAllBytes(path, bytes);
        (await Should.ThrowAsync<TamperedException>(() => release.ExportAsync("csv", release.Out("x")))).Message.ShouldContain(path);
        Directory.Exists(release.Out("x")).ShouldBeFalse();
        File.Delete(path);
        (await Should.ThrowAsync<TamperedException>(() => release.ExportAsync("csv", release.Out("x")))).Message.ShouldContain(path);
    }

    [Fact]
    public async Task ExportAsync_WhatIsNotThere_SaysWhatIs()
    {
        using var release = new SealedFolder();
        (await Should.ThrowAsync<ExportException>(() => release.ExportAsync("csv", release.Out("x"), "sw", "ko"))).Message.ShouldContain("no language 'ko'; it has sw, th");
        var unsealed = release.Run with { Release = null };
        var exporter = new ReleaseExporter(release.Reader);
        (await Should.ThrowAsync<ExportException>(() => exporter.ExportAsync(unsealed, ExportFormat.All[0], release.Out("x"), [], CancellationToken.None))).Message.ShouldContain("no sealed release");
    }
}
