using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Workflows.Tests.Jobs;

[Collection(nameof(LocalEnvironment))]
public sealed class JobWorkflowTests(LocalEnvironment environment)
{
    private readonly string _id = $"job-{Guid.NewGuid():N}";

    [Fact]
    public async Task Run_Stages_GoInOrderAndSkipWhatIsDone()
    {
        var activities = new ScriptedJob { States = { ["read"] = new(3, 2), ["rate"] = new(2, 0), ["none"] = new(0, 0) } };
        await WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            (await handle.GetResultAsync()).ShouldBe("tree");
            activities.Calls.ShouldBe(["start", "open read", "read 2", "end read", "open rate", "rate 0", "rate 1", "end rate", "open none", "end none", "end"]);
            (await handle.QueryAsync(w => w.Progress)).ShouldBe(new JobState("done", 3, 3, 0, 0));
            var fetched = await handle.FetchHistoryAsync();
            await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<JobWorkflow>()).ReplayWorkflowAsync(WorkflowHistory.FromJson(fetched.Id, fetched.ToJson()));
        });
    }

    [Fact]
    public async Task Run_PartFails_IsDoneAgainAlone()
    {
        var left = 2;
        var activities = new ScriptedJob { States = { ["read"] = new(2, 0) } };
        activities.Before = call => call == "read 1" && Interlocked.Decrement(ref left) >= 0 ? throw new IOException("The disk is away.") : Task.CompletedTask;
        await WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            activities.Calls.Count(c => c == "read 1").ShouldBe(3);
            activities.Calls.Count(c => c == "read 0").ShouldBe(1);
        });
    }

    [Fact]
    public async Task Run_LongHistory_ContinuesAsNewInItsStageAndDoesEachPartOnce()
    {
        const int Parts = 1500;
        var activities = new ScriptedJob { States = { ["read"] = new(1, 0), ["rate"] = new(Parts, 0) } };
        await WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            (await handle.GetResultAsync()).ShouldBe("tree");
            activities.Calls.Where(c => c.StartsWith("rate", StringComparison.Ordinal)).ShouldBeUnique();
            activities.Calls.Count(c => c.StartsWith("rate", StringComparison.Ordinal)).ShouldBe(Parts);
            activities.Calls.Count(c => c is "start" or "open read" or "end rate").ShouldBe(3);
            var first = await environment.Client.GetWorkflowHandle(_id, runId: handle.ResultRunId).DescribeAsync();
            first.Status.ShouldBe(WorkflowExecutionStatus.ContinuedAsNew);
        });
    }

    [Fact]
    public async Task Pause_Job_HoldsBackPartsThatHaveNotBegun()
    {
        const int Window = 64;
        var (reached, open) = (new TaskCompletionSource(), new TaskCompletionSource());
        var activities = new ScriptedJob { States = { ["read"] = new(Window + 10, 0) } };
        activities.Before = call =>
        {
            if (call != "read 0") return Task.CompletedTask;
            reached.TrySetResult();
            return open.Task;
        };
        await WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await reached.Task.WaitAsync(TimeSpan.FromMinutes(1));
            var part = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null, Language: "sw"))));
            part.InnerException!.Message.ShouldContain("as a whole");
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", "lunch")));
            (await handle.QueryAsync(w => w.Progress)).IsPaused.ShouldBeTrue();
            open.SetResult();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Done == Window);
            // The task that saw the last of them end would have begun the next.
            activities.Calls.Count(c => c.StartsWith("read", StringComparison.Ordinal)).ShouldBe(Window);

            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
            await handle.GetResultAsync();
            activities.Calls.Where(c => c.StartsWith("record", StringComparison.Ordinal)).ShouldBe(["record pause ana", "record resume ana"]);
            activities.Calls.Count(c => c.StartsWith("read", StringComparison.Ordinal)).ShouldBe(Window + 10);
        });
    }

    private Task<WorkflowHandle<JobWorkflow, string>> StartAsync() =>
        environment.Client.StartWorkflowAsync((JobWorkflow w) => w.RunAsync(new JobRun(new JobInput(_id, "kind", "recipe"))), new WorkflowOptions(_id, TaskQueues.Cpu));

    private async Task WorkAsync(ScriptedJob activities, Func<Task> test)
    {
        using var cpu = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Cpu).AddWorkflow<JobWorkflow>().AddAllActivities(activities));
        using var gpu = new TemporalWorker(environment.Client, new TemporalWorkerOptions(TaskQueues.Gpu) { MaxConcurrentActivities = 1 }.AddAllActivities(activities));
        await cpu.ExecuteAsync(() => gpu.ExecuteAsync(test));
    }
}
