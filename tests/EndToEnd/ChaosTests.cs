using System.Text.Json;
using Xunit.Abstractions;

namespace XInstruct.EndToEnd;

/// <summary><c>xinstruct chaos</c> on the sample recipe: what users run to believe us.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    private static readonly string Recipe = Path.Combine(Tests.SharedData.Root, "samples/recipes/chaos.yaml");

    private static int Kills => NightlyFactAttribute.IsNightly ? 1000 : 15;

    [Fact]
    public async Task Chaos_KillsFaultsAndOutages_EndClean()
    {
        await using var product = await ProductProcess.CreateAsync();
        var file = Path.Combine(product.Home, "certificate.json");
        var before = await DatabasesAsync(product);
        // Half of the default pace of outages: a machine with two cores needs its time between them.
        var (code, said, error) = await product.RunAsync("chaos", Recipe, "--kills", $"{Kills}", "--outage-every", "10", "--set", "refine.iterations=0", "--json", "--output", file);
        code.ShouldBe(0, error + said);
        var certificate = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        output.WriteLine(certificate.ToString());
        JsonElement.DeepEquals(JsonDocument.Parse(said.TrimEnd().Split('\n')[^1]).RootElement, certificate).ShouldBeTrue();
        certificate.GetProperty("isClean").GetBoolean().ShouldBeTrue();
        certificate.GetProperty("kills").EnumerateObject().Sum(k => k.Value.GetInt32()).ShouldBe(Kills);
        certificate.GetProperty("kills").EnumerateObject().Count().ShouldBeGreaterThan(2);
        certificate.GetProperty("events").GetInt32().ShouldBeGreaterThan(900);
        certificate.GetProperty("prompts").GetInt32().ShouldBe(certificate.GetProperty("rounds").GetInt32() * 480);
        await ShouldLeaveNothingAsync(product, before);
    }

    [Fact]
    public async Task Chaos_Interrupted_LeavesNothing()
    {
        await using var product = await ProductProcess.CreateAsync();
        var before = await DatabasesAsync(product);
        using var process = product.Start("chaos", Recipe, "--json");
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        while (!process.HasExited && !Directory.Exists(Path.Combine(Chaos(product).FirstOrDefault() ?? product.Home, "work"))) await Task.Delay(20);
        process.HasExited.ShouldBeFalse();
        ProductProcess.Signal(process, ProductProcess.Interrupt);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(130, string.Concat(await said));
        await ShouldLeaveNothingAsync(product, before);
    }

    [Theory]
    [InlineData("--kills must be 1 to 100000", "--kills", "0")]
    [InlineData("--faults must be a share", "--faults", "2")]
    [InlineData("chaos needs an engine of its own", "--temporal", "127.0.0.1:7233")]
    [InlineData("languages", "--set", "languages=[xx-what]")]
    public async Task Chaos_BadInput_SaysSo(string problem, params string[] options)
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync(["chaos", Recipe, .. options]);
        code.ShouldBe(2, error);
        error.ShouldContain(problem);
    }

    [Fact]
    public async Task Chaos_UndisturbedRunFails_SaysWhy()
    {
        await using var product = await ProductProcess.CreateAsync();
        var (code, _, error) = await product.RunAsync("chaos", Recipe, "--set", "corpus.minChars=900000", "--set", "corpus.maxChars=1000000");
        code.ShouldBe(2);
        error.ShouldContain("The undisturbed run failed");
    }

    private static IEnumerable<string> Chaos(ProductProcess product) => Directory.EnumerateDirectories(product.Home, "xi_chaos*");

    private static async Task<IReadOnlyList<string>> DatabasesAsync(ProductProcess product) =>
        await product.ReadAsync("select datname from pg_database where datname like 'xi_chaos_%'", r => r.GetString(0));

    /// <summary>Neither on the server, but for what others had there before, nor in the home.</summary>
    private static async Task ShouldLeaveNothingAsync(ProductProcess product, IReadOnlyList<string> before)
    {
        (await DatabasesAsync(product)).ShouldBeSubsetOf(before);
        Chaos(product).ShouldBeEmpty();
    }
}
