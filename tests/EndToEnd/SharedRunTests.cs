using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XInstruct.Activities.Storage;

namespace XInstruct.EndToEnd;

/// <summary>Several processes at one run: two that start it, or one that only watches and two workers of which one dies.</summary>
[Collection(TinyRuns.Name)]
public sealed class SharedRunTests(UndisturbedRun undisturbed)
{
    [Fact]
    public async Task Worker_KilledInAShard_LeavesTheRestToTheOther()
    {
        // Its n-th commit may be the last of a shard, or of no shard: then the next one may not.
        for (var commit = 22; !await IsKilledInAShardAsync(commit); commit++) commit.ShouldBeLessThan(34, "No worker was killed in the middle of a shard.");
    }

    private async Task<bool> IsKilledInAShardAsync(int commit)
    {
        await using var product = await ProductProcess.CreateAsync();
        using var client = product.StartGroup("run", UndisturbedRun.Recipe, "--json", "--no-worker");
        var (lines, errors) = (client.StandardOutput.ReadToEndAsync(), client.StandardError.ReadToEndAsync());
        using var first = product.StartDoomed(Moments.Committed, commit, "worker");
        using var second = product.StartGroup("worker");
        try
        {
            await Task.WhenAny(first.WaitForExitAsync(), client.WaitForExitAsync());
            if (!first.HasExited) client.ExitCode.ShouldBe(0, await errors);
            if (await BegunAsync(product, first) is not { } shard) return false;
            await client.WaitForExitAsync();
            client.ExitCode.ShouldBe(0, await errors);
            await undisturbed.ShouldEqualAsync(product, JsonDocument.Parse((await lines).TrimEnd().Split('\n')[^1]).RootElement);
            var workers = await product.ReadAsync(
                $"""
                select headers ->> 'worker' from xinstruct.mt_events where headers ->> 'workflow' = '{shard.Workflow}' and headers ->> 'activity' = '{shard.Activity}'
                group by 1 order by min(seq_id)
                """,
                r => r.GetString(0));
            // It was the shard's last.
            if (workers.Count == 1) return false;
            workers.ShouldBe([Identity(first), Identity(second)]);
            var named = (await lines).TrimEnd().Split('\n').Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("workers", out _))
                .SelectMany(l => l.GetProperty("workers").EnumerateArray().Select(w => w.GetProperty("worker").GetString()));
            named.Distinct().Order(StringComparer.Ordinal).ShouldBe(new[] { Identity(first), Identity(second) }.Order(StringComparer.Ordinal));
            return true;
        }
        finally
        {
            foreach (var process in new[] { client, first, second }.Where(p => !p.HasExited)) ProductProcess.KillGroup(process);
        }
    }

    [Fact]
    public async Task Run_StartedTwiceAtOnceOnAnEmptyDatabase_IsOneRun()
    {
        await using var product = await ProductProcess.CreateAsync();
        var ends = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => UndisturbedRun.FinishAsync(product, UndisturbedRun.Small)));
        ends[1].GetProperty("run").GetString().ShouldBe(ends[0].GetProperty("run").GetString());
        ends[1].GetProperty("release").GetRawText().ShouldBe(ends[0].GetProperty("release").GetRawText());
        (await product.ReadAsync("select count(*) from xinstruct.mt_events where type in ('run_started', 'release_sealed')", r => r.GetInt64(0))).ShouldBe([2]);
    }

    /// <summary>The shard that a dead worker worked on; null when there is none yet.</summary>
    private static async Task<(string Workflow, string Activity)?> BegunAsync(ProductProcess product, Process dead)
    {
        var begun = await product.ReadAsync(
            $"""
            select headers ->> 'workflow', headers ->> 'activity' from xinstruct.mt_events
            where type in ('instruction_generated', 'instruction_revised', 'sample_rated') and headers ->> 'worker' = '{Identity(dead)}' order by seq_id desc limit 1
            """,
            r => (r.GetString(0), r.GetString(1)));
        return begun.Count == 1 ? begun[0] : null;
    }

    private static string Identity(Process worker) => string.Create(CultureInfo.InvariantCulture, $"{worker.Id}@{Environment.MachineName}");
}
