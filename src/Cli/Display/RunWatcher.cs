using Npgsql;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Activities.Reports;
using XInstruct.Cli.Hosting;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Cli.Display;

/// <summary>Asks a run's workflows where they are and gives a display one view after another.</summary>
internal sealed class RunWatcher(ITemporalClient client, RunPulseReader pulses, string run, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PulseInterval = TimeSpan.FromSeconds(3);
    private readonly long _start = clock.GetTimestamp();
    private readonly Dictionary<string, (long At, int Done, int Shards)> _firstSeen = new(StringComparer.Ordinal);
    private RunPulse _pulse = RunPulse.None;
    private TimeSpan _nextPulse;

    /// <summary>Shows views until <paramref name="end"/> ends.</summary>
    public async Task WatchAsync(IRunDisplay display, Task end, CancellationToken ct)
    {
        string? said = null;
        while (!end.IsCompleted)
        {
            if (Logging.Trouble.Take() is { } trouble && trouble != said) display.Say($"Trying again: {TerminalText.Clean(said = trouble)}");
            if (await ViewAsync(ct) is { } view) display.Show(view);
            await Task.WhenAny(end, Task.Delay(Interval, clock, ct));
            ct.ThrowIfCancellationRequested();
        }

        // What was spent since the last pulse belongs to the last view.
        _nextPulse = TimeSpan.Zero;
        if (await ViewAsync(ct) is { } last) display.Show(last with { IsLast = true });
    }

    /// <summary>One view; null while nobody can answer, e.g. because no worker is up yet.</summary>
    public async Task<RunView?> ViewAsync(CancellationToken ct)
    {
        var options = new WorkflowQueryOptions { Rpc = new RpcOptions { Timeout = TimeSpan.FromSeconds(10), CancellationToken = ct } };
        try
        {
            var progress = await client.GetWorkflowHandle<XInstructionWorkflow>(run).QueryAsync(w => w.Progress, options);
            var stages = new List<StageView>();
            foreach (var entry in progress.Stages) stages.Add(await StageAsync(entry, options));
            var elapsed = clock.GetElapsedTime(_start);
            await TakePulseAsync(elapsed, ct);
            return new RunView(progress, stages, elapsed, _pulse);
        }
        catch (Exception e) when (e is RpcException or WorkflowQueryFailedException or WorkflowQueryRejectedException or TimeoutException)
        {
            return null;
        }
    }

    private async Task TakePulseAsync(TimeSpan now, CancellationToken ct)
    {
        if (now < _nextPulse) return;
        _nextPulse = now + PulseInterval;
        try
        {
            _pulse = await pulses.ReadAsync(run, ct);
        }
        catch (NpgsqlException)
        {
            // The next one may come through.
        }
    }

    private async Task<StageView> StageAsync(StageEntry entry, WorkflowQueryOptions options)
    {
        if (entry.Result is { } done) return new StageView(entry, entry.Shards, done, null);
        try
        {
            var progress = await client.GetWorkflowHandle<LanguageWorkflow>(entry.Workflow).QueryAsync(w => w.Progress, options);
            return Measure(entry, progress);
        }
        catch (Exception e) when (e is RpcException or WorkflowQueryFailedException or WorkflowQueryRejectedException)
        {
            return new StageView(entry, 0, new ShardResult(0, 0), null);
        }
    }

    private StageView Measure(StageEntry entry, StageProgress progress)
    {
        var now = clock.GetTimestamp();
        if (!_firstSeen.TryGetValue(entry.Workflow, out var first))
        {
            _firstSeen[entry.Workflow] = first = (now, progress.Result.Done, progress.ShardsDone);
        }

        var seconds = clock.GetElapsedTime(first.At, now).TotalSeconds;
        var shards = progress.ShardsDone - first.Shards;
        return new StageView(entry, progress.ShardsDone, progress.Result, seconds > 1 ? (progress.Result.Done - first.Done) / seconds : null)
        {
            Left = shards > 0 ? TimeSpan.FromSeconds(seconds / shards * (progress.Shards - progress.ShardsDone)) : null,
        };
    }
}
