using System.Text.Json;
using System.Xml.Linq;

namespace XInstruct.EndToEnd;

/// <summary>What is said of runs and of the workers behind them.</summary>
[Collection(TinyRuns.Name)]
public sealed class StatusTests(UndisturbedRun undisturbed) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-status-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Status_Svg_HoldsTheLinesThatWerePrinted()
    {
        var path = Path.Combine(_folder, "status.svg");
        var (code, output, error) = await undisturbed.Product.RunAsync("status", undisturbed.End.GetProperty("run").GetString()!, "--svg", path);
        code.ShouldBe(0, error);
        var pictured = XDocument.Load(path).Descendants().Where(e => e.Name.LocalName == "text")
            .GroupBy(e => int.Parse(e.Attribute("y")!.Value, System.Globalization.CultureInfo.InvariantCulture)).OrderBy(g => g.Key)
            .Select(g => Squeeze(string.Concat(g.Select(e => e.Value))));
        var printed = output.Split('\n').Select(Squeeze).Where(l => l.Length > 0).ToList();
        pictured.ShouldBe(printed);
        printed.ShouldContain(Squeeze($"sha256 {undisturbed.Sha256}"));
        // A pipe has no edge at which a path must be broken, and no links.
        output.ShouldContain(undisturbed.End.GetProperty("release").GetProperty("path").GetString() + "/datasheet.html");
        output.ShouldNotContain('\u001b');
    }

    [Fact]
    public async Task Doctor_WorkerWithOtherFiles_NamesIt()
    {
        await using var product = await ProductProcess.CreateAsync();
        using var first = product.StartGroup("worker", "--queues", "xi-cpu", "xi-gpu", "--metrics", "127.0.0.1:0");
        using var stranger = product.StartGroup("worker", "--queues", "xi-gpu", "--home", _folder);
        try
        {
            var checks = await DoctorAsync(product, c => c["workers"].GetProperty("found").GetString() == "xi-cpu 1, xi-gpu 2, xi-api 0");
            checks["workers"].GetProperty("isGood").GetBoolean().ShouldBeTrue();
            checks["versions"].GetProperty("isGood").GetBoolean().ShouldBeTrue();
            await FirstTellsHowItIsAsync(product, first);
            checks["shared files"].GetProperty("isGood").GetBoolean().ShouldBeFalse();
            checks["shared files"].GetProperty("found").GetString().ShouldBe($"not those of {stranger.Id}@{Environment.MachineName}");
            ProductProcess.SignalGroup(stranger, ProductProcess.Interrupt);
            await stranger.WaitForExitAsync();
            Directory.GetFiles(Path.Combine(_folder, "workers")).ShouldBeEmpty();
            checks = await DoctorAsync(product, c => c["workers"].GetProperty("found").GetString() == "xi-cpu 1, xi-gpu 1, xi-api 0");
            checks["shared files"].GetProperty("isGood").GetBoolean().ShouldBeTrue();
        }
        finally
        {
            foreach (var process in new[] { first, stranger }.Where(p => !p.HasExited)) ProductProcess.KillGroup(process);
        }
    }

    private static async Task FirstTellsHowItIsAsync(ProductProcess product, System.Diagnostics.Process worker)
    {
        var said = await worker.StandardOutput.ReadLineAsync();
        var address = new Uri(said!.Split(' ').Single(w => w.StartsWith("http://", StringComparison.Ordinal)).TrimEnd(','));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var metrics = await http.GetStringAsync(address);
        metrics.ShouldContain("xinstruct_activities_slots{queue=\"xi-gpu\"} 1\n");
        metrics.ShouldContain($"xinstruct_worker_info{{worker=\"{worker.Id}@{Environment.MachineName}\"");
        var ready = await product.RunAsync("doctor", "--worker", address.Authority);
        ready.Code.ShouldBe(0, ready.Output + ready.Error);
        ready.Output.ShouldBe($"ok      worker: {worker.Id}@{Environment.MachineName} is ready\n");
        var nobody = await product.RunAsync("doctor", "--worker", "127.0.0.1:9");
        nobody.Code.ShouldBe(3);
        nobody.Output.ShouldContain("xinstruct worker --metrics 127.0.0.1:9");
    }

    [Theory]
    [InlineData("9464", "an address and a port")]
    [InlineData("0.0.0.0:9464", "--token-env METRICS_API_KEY")]
    public async Task Worker_MetricsAtAWrongPlace_SaysWhatItTakes(string place, string said)
    {
        var (code, _, error) = await undisturbed.Product.RunAsync("worker", "--metrics", place);
        code.ShouldBe(2);
        error.ShouldContain(said);
    }

    [Fact]
    public async Task Worker_BuildIdWithoutCluster_SaysThatItNeedsOne()
    {
        var (code, _, error) = await undisturbed.Product.RunAsync("worker", "--build-id", "abc");
        code.ShouldBe(2);
        error.ShouldContain("--temporal or --profile");
    }

    private static async Task<Dictionary<string, JsonElement>> DoctorAsync(ProductProcess product, Func<Dictionary<string, JsonElement>, bool> isReady)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (_, output, error) = await product.RunAsync("doctor", "--json");
            output.ShouldNotBeEmpty(error);
            var checks = JsonDocument.Parse(output).RootElement.EnumerateArray().ToDictionary(c => c.GetProperty("what").GetString()!, StringComparer.Ordinal);
            if (isReady(checks) || attempt == 40) return checks;
            await Task.Delay(250);
        }
    }

    private static string Squeeze(string line) => line.Replace(" ", "", StringComparison.Ordinal).TrimEnd();
}
