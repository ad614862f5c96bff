using System.Collections.Concurrent;
using Temporalio.Activities;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Workflows.Tests.Jobs;

/// <summary>The activities of a job without their work.</summary>
public sealed class ScriptedJob : IJobActivities
{
    private readonly ConcurrentQueue<string> _calls = new();
    private readonly ConcurrentDictionary<string, int> _done = new(StringComparer.Ordinal);

    public OrderedDictionary<string, JobStageState> States { get; } = [];

    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyList<string> Calls => [.. _calls];

    [Activity]
    public async Task<IReadOnlyList<JobStage>> StartJobAsync(JobInput input)
    {
        await CallAsync("start");
        return [.. States.Keys.Select(name => new JobStage(name, TaskQueues.Gpu))];
    }

    [Activity]
    public async Task<JobStageState> OpenStageAsync(JobStageInput input)
    {
        await CallAsync($"open {input.Stage}");
        return States[input.Stage] with { Done = Math.Max(States[input.Stage].Done, _done.GetValueOrDefault(input.Stage)) };
    }

    [Activity]
    public async Task WorkOnPartAsync(JobPartInput input)
    {
        await CallAsync($"{input.Stage} {input.Part}");
        _done.AddOrUpdate(input.Stage, 1, (_, n) => n + 1);
    }

    [Activity]
    public Task EndStageAsync(JobStageInput input) => CallAsync($"end {input.Stage}");

    [Activity]
    public async Task<string> EndJobAsync(JobInput input)
    {
        await CallAsync("end");
        return "tree";
    }

    [Activity]
    public Task RecordJobSteeringAsync(JobSteeringInput input) => CallAsync($"record {input.Command.Command} {input.Command.Who}");

    private Task CallAsync(string call)
    {
        _calls.Enqueue(call);
        return Before(call);
    }
}
