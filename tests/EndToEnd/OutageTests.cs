using System.Diagnostics;
using System.Text.Json;
using Npgsql;

namespace XInstruct.EndToEnd;

/// <summary>PostgreSQL goes away in the middle of a run and comes back: a server of its own, since others use the shared one.</summary>
[Collection(TinyRuns.Name)]
public sealed class OutageTests(UndisturbedRun undisturbed) : IDisposable
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY")) ? 15 : 60);

    private readonly string _home = Directory.CreateTempSubdirectory("xi-outage-").FullName;

    [Fact]
    public async Task Run_PostgresAwayWhileItGenerates_WaitsAndEndsAsIfUndisturbed()
    {
        await using var product = await ProductProcess.CreateAsync(await ServerAsync("start"));
        using var process = product.StartGroup("run", UndisturbedRun.Recipe, "--json");
        var (lines, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await product.WaitForEventsAsync(process, undisturbed.Events.TakeWhile(e => e.Stage != "generate").Count() + 1);
        await ServerAsync("stop");
        await Task.Delay(Away);
        process.HasExited.ShouldBeFalse("while PostgreSQL was away");
        await ServerAsync("start");
        NpgsqlConnection.ClearAllPools();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors + await lines);
        (await lines).ShouldContain("Trying again: ");
        await undisturbed.ShouldEqualAsync(product, JsonDocument.Parse((await lines).TrimEnd().Split('\n')[^1]).RootElement);
    }

    public void Dispose()
    {
        ServerAsync("remove").GetAwaiter().GetResult();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<string> ServerAsync(string verb)
    {
        var start = new ProcessStartInfo(Path.Combine(Tests.SharedData.Root, "eng/postgres"), verb) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XINSTRUCT_HOME"] = _home;
        start.Environment["XINSTRUCT_POSTGRES_KIND"] = "test";
        using var process = Process.Start(start)!;
        var (said, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors);
        return (await said).Trim();
    }
}
