using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace XInstruct.EndToEnd;

/// <summary>Workers that are told to stop while they are in the middle of a shard.</summary>
public sealed class DrainTests
{
    /// <summary>tiny.yaml's: every shard is longer.</summary>
    private const int MicroBatch = 32;

    private const int Terminate = 15;

    [Fact]
    public async Task Worker_Sigterm_EndsItsShardOnceAndTheSecondSignalQuitsAtOnce()
    {
        await using var product = await ProductProcess.CreateAsync();
        using var client = product.StartGroup(["run", UndisturbedRun.Recipe, "--json", "--no-worker", .. UndisturbedRun.Small, "--set", "models.generator.sampling.maxNewTokens=48"]);
        var (lines, errors) = (client.StandardOutput.ReadToEndAsync(), client.StandardError.ReadToEndAsync());
        using var drained = product.Start("worker", "--drain", "120");
        Process? impatient = null, last = null;
        try
        {
            var shard = await BegunAsync(product, drained, client);
            ProductProcess.Signal(drained, Terminate);
            await drained.WaitForExitAsync();
            var said = await drained.StandardOutput.ReadToEndAsync();
            drained.ExitCode.ShouldBe(0, said);
            said.ShouldContain("takes no more work");
            // The shard went on after the signal, and its worker ended it: nobody has begun it again.
            (await CountAsync(product, shard)).ShouldBeGreaterThan(MicroBatch);

            // Both signals wait while it is stopped, and so come at once.
            impatient = product.Start("worker", "--drain", "120");
            (await impatient.StandardOutput.ReadLineAsync()).ShouldNotBeNull("no greeting").ShouldContain("serves");
            ProductProcess.Signal(impatient, ProductProcess.Stop);
            ProductProcess.Signal(impatient, Terminate);
            ProductProcess.Signal(impatient, ProductProcess.Interrupt);
            ProductProcess.Signal(impatient, ProductProcess.Continue);
            await impatient.WaitForExitAsync();
            impatient.ExitCode.ShouldBe(130);

            last = product.Start("worker");
            await client.WaitForExitAsync();
            client.ExitCode.ShouldBe(0, await errors);
            JsonDocument.Parse((await lines).TrimEnd().Split('\n')[^1]).RootElement.GetProperty("release").GetProperty("sha256").GetString().ShouldNotBeNull();
            // A lost answer may cost an activity an attempt.
            if (FaultInjection.Seed is null) (await product.ReadAsync($"select distinct headers ->> 'attempt' from xinstruct.mt_events where headers ->> 'worker' = '{Identity(drained)}'", r => r.GetString(0))).ShouldBe(["1"]);
            (await product.ReadAsync($"select distinct headers ->> 'worker' from xinstruct.mt_events where {shard}", r => r.GetString(0))).ShouldBe([Identity(drained)]);
            (await product.RunAsync("audit", "verify")).Code.ShouldBe(0);
        }
        finally
        {
            foreach (var process in new[] { drained, impatient, last }.Where(p => p is { HasExited: false })) process!.Kill();
            if (!client.HasExited) ProductProcess.KillGroup(client);
        }
    }

    /// <summary>Waits for a shard that has its first micro-batch and no more; an SQL condition on its events.</summary>
    private static async Task<string> BegunAsync(ProductProcess product, Process worker, Process client)
    {
        while (!worker.HasExited && !client.HasExited)
        {
            if (await product.CountEventsAsync() > 0)
            {
                var begun = await product.ReadAsync(
                    $"""
                    select headers ->> 'workflow', headers ->> 'activity' from xinstruct.mt_events
                    where type = 'instruction_generated' group by 1, 2 having count(*) = {MicroBatch}
                    """,
                    r => $"headers ->> 'workflow' = '{r.GetString(0)}' and headers ->> 'activity' = '{r.GetString(1)}'");
                if (begun.Count > 0) return begun[0];
            }

            await Task.Delay(10);
        }

        throw new InvalidOperationException($"Worker or client ended before a shard was seen in its middle: {(worker.HasExited ? await worker.StandardError.ReadToEndAsync() : "the client did")}");
    }

    private static async Task<long> CountAsync(ProductProcess product, string shard) =>
        (await product.ReadAsync($"select count(*) from xinstruct.mt_events where {shard}", r => r.GetInt64(0)))[0];

    private static string Identity(Process worker) => string.Create(CultureInfo.InvariantCulture, $"{worker.Id}@{Environment.MachineName}");
}
