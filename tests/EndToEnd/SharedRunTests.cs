using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>Several processes at one run: two that start it, or one that only watches and two workers of which one dies.</summary>
[Collection(TinyRuns.Name)]
public sealed class SharedRunTests(UndisturbedRun undisturbed)
{
    /// <summary>tiny.yaml's: every shard is longer.</summary>
    private const int MicroBatch = 32;

    [Fact]
    public async Task Worker_KilledInAShard_LeavesTheRestToTheOther()
    {
        await using var product = await ProductProcess.CreateAsync();
        using var client = product.StartGroup("run", UndisturbedRun.Recipe, "--json", "--no-worker");
        var (lines, errors) = (client.StandardOutput.ReadToEndAsync(), client.StandardError.ReadToEndAsync());
        using var first = product.StartGroup("worker");
        using var second = product.StartGroup("worker");
        try
        {
            var shard = await StopInAShardAsync(product, client, [first, second]);
            ProductProcess.KillGroup(shard.Worker);
            await client.WaitForExitAsync();
            client.ExitCode.ShouldBe(0, await errors);
            await undisturbed.ShouldEqualAsync(product, JsonDocument.Parse((await lines).TrimEnd().Split('\n')[^1]).RootElement);
            var workers = await product.ReadAsync(
                $"""
                select headers ->> 'worker' from xinstruct.mt_events where headers ->> 'workflow' = '{shard.Workflow}' and headers ->> 'activity' = '{shard.Activity}'
                group by 1 order by min(seq_id)
                """,
                r => r.GetString(0));
            workers.ShouldBe([Identity(shard.Worker), Identity(shard.Worker == first ? second : first)]);
            var named = (await lines).TrimEnd().Split('\n').Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("workers", out _))
                .SelectMany(l => l.GetProperty("workers").EnumerateArray().Select(w => w.GetProperty("worker").GetString()));
            named.Distinct().Order(StringComparer.Ordinal).ShouldBe(new[] { Identity(first), Identity(second) }.Order(StringComparer.Ordinal));
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

    private sealed record HeldShard(Process Worker, string Workflow, string Activity);

    /// <summary>Stops a worker that has committed the first micro-batch of a shard and not the next, once both have work behind them.</summary>
    private static async Task<HeldShard> StopInAShardAsync(ProductProcess product, Process client, IReadOnlyList<Process> workers)
    {
        while (!client.HasExited)
        {
            foreach (var shard in await BegunAsync(product, workers))
            {
                ProductProcess.SignalGroup(shard.Worker, ProductProcess.Stop);
                // What was on its way to the server is committed by then.
                await Task.Delay(100);
                if ((await BegunAsync(product, workers)).Contains(shard)) return shard;
                ProductProcess.SignalGroup(shard.Worker, ProductProcess.Continue);
            }

            await Task.Delay(20);
        }

        throw new InvalidOperationException("The run ended before a worker was seen in the middle of a shard.");
    }

    private static async Task<IReadOnlyList<HeldShard>> BegunAsync(ProductProcess product, IReadOnlyList<Process> workers)
    {
        if (await product.CountEventsAsync() == 0) return [];
        var begun = await product.ReadAsync(
            $"""
            select min(headers ->> 'worker'), headers ->> 'workflow', headers ->> 'activity' from xinstruct.mt_events
            where type in ('instruction_generated', 'instruction_revised', 'sample_rated')
                and (select count(distinct headers ->> 'worker') from xinstruct.mt_events) = {workers.Count}
            group by 2, 3 having count(*) = {MicroBatch}
            """,
            r => (Worker: r.GetString(0), Workflow: r.GetString(1), Activity: r.GetString(2)));
        return [.. begun.Select(b => new HeldShard(workers.Single(w => Identity(w) == b.Worker), b.Workflow, b.Activity))];
    }

    private static string Identity(Process worker) => string.Create(CultureInfo.InvariantCulture, $"{worker.Id}@{Environment.MachineName}");
}
