using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit.Abstractions;

namespace XInstruct.EndToEnd;

/// <summary>tiny.yaml killed with SIGKILL, process group and all, and started again by the same command.</summary>
[Collection(TinyRuns.Name)]
public sealed class KilledRunTests(UndisturbedRun undisturbed, ITestOutputHelper output)
{
    private const int Moments = 10;

    /// <summary>Where others have more of the machine than this, times are printed and not judged: a training's threads wait for each other.</summary>
    private const double OthersAtMost = 0.25;

    /// <summary>The student's training, its evaluation, the end.</summary>
    private const int LastCommits = 3;

    /// <summary>The next event is committed this long after a kill; on a machine that is too slow for tiny.yaml it may take as much longer.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>One round of ten moments, or ten rounds.</summary>
    public static TheoryData<int> Rounds => new(Enumerable.Range(1, string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY")) ? 1 : 10));

    [Theory]
    [MemberData(nameof(Rounds))]
    public async Task Run_KilledInTenStages_GoesOnAndEndsAsIfUndisturbed(int seed)
    {
        await using var product = await ProductProcess.CreateAsync();
        Kill? last = null;
        foreach (var moment in KillMoment.Choose(undisturbed, Moments, seed)) last = await KillAsync(product, moment, last);
        using var process = product.StartGroup("run", UndisturbedRun.Recipe, "--json");
        var lines = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await GoesOnAsync(product, process, last!);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors);
        await undisturbed.ShouldEqualAsync(product, JsonDocument.Parse((await lines).TrimEnd().Split('\n')[^1]).RootElement);
    }

    private sealed record Kill(KillMoment Moment, long Events, DateTime At, MachineLoad Load);

    /// <summary>Kills a run at a moment. Work without an event of its own goes on from the kill before, and a machine that is quicker now needs less: among its last commits the run may be over first.</summary>
    private async Task<Kill> KillAsync(ProductProcess product, KillMoment moment, Kill? last)
    {
        using var process = product.StartGroup("run", UndisturbedRun.Recipe, "--json");
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        if (last is not null) await GoesOnAsync(product, process, last);
        await product.WaitForEventsAsync(process, moment.Events);
        await Task.WhenAny(process.WaitForExitAsync(), Task.Delay(moment.Wait));
        if (last is not null && undisturbed.Events.Count - moment.Events <= LastCommits && process.HasExited)
        {
            process.ExitCode.ShouldBe(0);
            output.WriteLine($"not killed in {moment.Stage}: the run was over");
            return last;
        }

        process.HasExited.ShouldBeFalse($"in stage {moment.Stage}");
        ProductProcess.KillGroup(process);
        var at = await product.NowAsync();
        var load = new MachineLoad();
        await process.WaitForExitAsync();
        await said;
        return new Kill(moment, await product.CountEventsAsync(), at, load);
    }

    private async Task GoesOnAsync(ProductProcess product, Process process, Kill kill)
    {
        // Killed in its last stage a run may have had all events, or be over as soon as it goes on.
        if (kill.Events == undisturbed.Events.Count) return;
        await product.WaitForEventsAsync(process, kill.Events + 1);
        if (process.HasExited) process.ExitCode.ShouldBe(0, $"after a kill in stage {kill.Moment.Stage}");
        var others = kill.Load.Others(process);
        var next = (await product.ReadAsync("select timestamp from xinstruct.mt_events order by seq_id", r => r.GetDateTime(0)))[(int)kill.Events];
        var after = next - kill.At;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"killed in {kill.Moment.Stage} at {kill.Events} events: next event after {after.TotalSeconds:F1} s; others had {others:P0} of the machine"));
        if (others <= OthersAtMost) after.ShouldBeLessThanOrEqualTo(Limit * undisturbed.Slowness, $"after a kill in stage {kill.Moment.Stage} at {kill.Events} events");
    }
}
