using System.Diagnostics;
using System.Globalization;

namespace XInstruct.EndToEnd;

[Collection(TinyRuns.Name)]
public sealed class DataSheetTests(UndisturbedRun undisturbed) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xi-sheet-").FullName;

    private string Run => undisturbed.End.GetProperty("run").GetString()!;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Run_End_LeavesASheetWithItsFiguresBesideTheRelease()
    {
        var sheet = File.ReadAllText(Path.Combine(undisturbed.End.GetProperty("release").GetProperty("path").GetString()!, "datasheet.md"));
        var last = undisturbed.End.GetProperty("iterations").EnumerateArray().Last();
        sheet.ShouldContain($"| {F3(last, "precision")} | {F3(last, "accuracy")} |");
        foreach (var reason in undisturbed.End.GetProperty("rejections").EnumerateObject()) sheet.ShouldContain($"| ingest | {reason.Name} |");
        sheet.ShouldContain(undisturbed.Sha256);
        sheet.ShouldContain("## The model trained on it");

        static string F3(System.Text.Json.JsonElement iteration, string name) => iteration.GetProperty(name).GetDouble().ToString("F3", CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Report_EveryCommandOfItsPage_WritesBothFilesAndTheReleaseStaysWhole()
    {
        var page = File.ReadAllText(Path.Combine(Tests.SharedData.Root, "docs", "datasheet.md"));
        var commands = page.Split('\n').Where(l => l.StartsWith("./xinstruct report ", StringComparison.Ordinal)).Select(l => l.Split(' ')[1..]).ToList();
        commands.Count.ShouldBe(2);
        foreach (var command in commands)
        {
            var (code, _, error) = await undisturbed.Product.RunAsync([.. command.Select((c, i) => i == 1 ? Run : command[Math.Max(0, i - 1)] == "--out" ? _folder : c)]);
            code.ShouldBe(0, error);
        }

        Directory.EnumerateFiles(_folder).Select(Path.GetFileName).ShouldBe(["datasheet.html", "datasheet.md"], ignoreOrder: true);
        (await undisturbed.Product.RunAsync("audit", "verify", Run)).Code.ShouldBe(0);
    }

    [Fact]
    public async Task Report_Settings_AreTheRecipeThatMakesTheRunAgain()
    {
        (await undisturbed.Product.RunAsync("report", Run, "--out", _folder)).Code.ShouldBe(0);
        var lines = File.ReadAllLines(Path.Combine(_folder, "datasheet.md"));
        var recipe = Path.Combine(_folder, "tiny.yaml");
        File.WriteAllText(recipe, lines[Array.IndexOf(lines, "Settings:") + 3]);
        var (code, output, error) = await undisturbed.Product.RunAsync("run", recipe, "--set", "corpus.path=samples/corpus/{lang}.jsonl", "--set", "seeds.path=samples/seeds/{lang}.jsonl", "--detach", "--json");
        code.ShouldBe(0, error);
        output.ShouldContain($"\"{Run}\"");
    }

    [BrowserFact]
    public async Task Report_InABrowser_DrawsAllInBothThemesUnderItsPolicy()
    {
        (await undisturbed.Product.RunAsync("report", Run, "--out", _folder)).Code.ShouldBe(0);
        foreach (var (scheme, theme) in new[] { (0, "dark"), (1, "light") })
        {
            string[] options =
            [
                "--headless", "--no-sandbox", "--disable-gpu", $"--user-data-dir={_folder}/profile", $"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=5000", "--enable-logging=stderr", "--dump-dom",
            ];
            var start = new ProcessStartInfo(BrowserFactAttribute.Chromium, [.. options, $"file://{_folder}/datasheet.html"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
            using var browser = Process.Start(start)!;
            var (page, log) = (browser.StandardOutput.ReadToEndAsync(), browser.StandardError.ReadToEndAsync());
            await browser.WaitForExitAsync();
            // A script or style that the policy forbids, and an error in one, are said here.
            (await log).ShouldNotContain("CONSOLE");
            var drawn = await page;
            drawn.ShouldContain($"data-theme=\"{theme}\"");
            // The library's own text has such tags, too.
            drawn.Split("<script")[0].Split("<canvas").Length.ShouldBe(1 + 5);
        }
    }

    [Fact]
    public async Task Report_WithoutARelease_SaysSo()
    {
        (await undisturbed.Product.RunAsync("report", "nosuch")).Code.ShouldBe(2);
        (await undisturbed.Product.RunAsync("report", Run, "--recipe", "nosuch.yaml")).Code.ShouldBe(2);
    }
}
