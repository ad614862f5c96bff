using System.Text.Json;

namespace XInstruct.EndToEnd;

[Collection(TinyRuns.Name)]
public sealed class ExportTests(UndisturbedRun undisturbed) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Export_EveryCommandOfItsPage_WritesTheSelectedRows()
    {
        var page = File.ReadAllText(Path.Combine(Tests.SharedData.Root, "docs", "export.md"));
        var commands = page.Split('\n').Where(l => l.StartsWith("./xinstruct export ", StringComparison.Ordinal)).Select(l => l.Split(' ')[1..]).ToList();
        commands.Select(c => c[Array.IndexOf(c, "--format") + 1]).ShouldBe(["alpaca", "sharegpt", "messages", "jsonl", "csv", "parquet", "huggingface"]);
        var selected = undisturbed.End.GetProperty("samples").GetProperty("selected").GetInt32();
        foreach (var command in commands)
        {
            command[1] = undisturbed.End.GetProperty("run").GetString()!;
            var target = command[Array.IndexOf(command, "--out") + 1] = Path.Combine(_folder, command[Array.IndexOf(command, "--out") + 1]);
            var (code, output, error) = await undisturbed.Product.RunAsync([.. command.Where(c => c != "--json"), "--json"]);
            code.ShouldBe(0, error);
            var export = JsonDocument.Parse(output).RootElement;
            export.GetProperty("path").GetString().ShouldBe(target);
            export.GetProperty("files").EnumerateArray().Sum(f => f.GetProperty("rows").GetInt32()).ShouldBe(command.Contains("sw") ? selected / 2 : selected);
        }

        var rows = JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "LLaMA-Factory/data/tiny-sw.json"))).RootElement.EnumerateArray().ToList();
        var sealedRows = File.ReadAllLines(Path.Combine(_folder, "plain/tiny-sw.jsonl")).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        rows.Select(r => r.GetProperty("output").GetString()).ShouldBe(sealedRows.Select(r => r.GetProperty("output").GetString()));
    }

    [Fact]
    public async Task Export_ChangedRelease_NamesTheFileAndExits1()
    {
        var path = Path.Combine(undisturbed.End.GetProperty("release").GetProperty("path").GetString()!, "tr.jsonl");
        var bytes = File.ReadAllBytes(path);
        try
        {
            File.WriteAllBytes(path, [.. bytes, (byte)'\n']);
            var (code, _, error) = await undisturbed.Product.RunAsync("export", undisturbed.End.GetProperty("run").GetString()!, "--format", "csv", "--out", _folder);
            code.ShouldBe(1);
            error.ShouldContain(path);
        }
        finally
        {
            File.WriteAllBytes(path, bytes);
        }

        (await undisturbed.Product.RunAsync("export", "nosuch", "--format", "csv")).Code.ShouldBe(2);
        (await undisturbed.Product.RunAsync("export", undisturbed.End.GetProperty("run").GetString()!, "--format", "xml")).Code.ShouldBe(2);
    }
}
