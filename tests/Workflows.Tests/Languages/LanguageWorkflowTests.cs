using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Tests.Languages;

[Collection(nameof(LocalEnvironment))]
public sealed class LanguageWorkflowTests(LocalEnvironment environment)
{
    private readonly string _id = $"stage-{Guid.NewGuid():N}";

    [Fact]
    public Task Run_Window_IsHowManyShardsAreUnderWay()
    {
        var activities = new ScriptedActivities();
        var first = activities.Close("embed sw 0/1 m");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync(Input(shards: 7, window: 3));
            await first.Reached;
            // The window moves only when its first shard ends, although the others have.
            await LocalEnvironment.EventuallyAsync(async () => await CountAsync(handle, EventType.ActivityTaskCompleted) == 2);
            (await CountAsync(handle, EventType.ActivityTaskScheduled)).ShouldBe(3);
            var progress = await handle.QueryAsync(w => w.Progress);
            (progress.ShardsDone, progress.Shards, progress.Stage, progress.Iteration).ShouldBe((0, 7, Stage.Embed, 1));
            first.Open();
            (await handle.GetResultAsync()).ShouldBe(new ShardResult(70, 7, 700, 140, "last of 6"));
            activities.Calls.ShouldBeUnique();
            activities.Calls.Count.ShouldBe(7);
        });
    }

    [Fact]
    public Task Run_WithCursor_StartsThereAndAddsToWhatWasBefore()
    {
        var activities = new ScriptedActivities();
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync(Input(shards: 5, window: 2) with { Cursor = 3, So = new ShardResult(30, 3) });
            (await handle.GetResultAsync()).ShouldBe(new ShardResult(50, 5, 200, 40, "last of 4"));
            activities.Calls.ShouldBe(["embed sw 3/1 m", "embed sw 4/1 m"], ignoreOrder: true);
        });
    }

    [Fact]
    public Task Run_LongHistory_ContinuesAsNewAndDoesEachShardOnce()
    {
        const int Shards = 1500;
        var activities = new ScriptedActivities();
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync(Input(Shards, window: 50));
            (await handle.GetResultAsync()).ShouldBe(new ShardResult(10 * Shards, Shards, 100 * Shards, 20 * Shards, $"last of {Shards - 1}"));
            activities.Calls.Count.ShouldBe(Shards);
            activities.Calls.ShouldBeUnique();
            var first = await environment.Client.GetWorkflowHandle(_id, runId: handle.ResultRunId).DescribeAsync();
            first.Status.ShouldBe(WorkflowExecutionStatus.ContinuedAsNew);
        });
    }

    private static StageInput Input(int shards, int window) =>
        new(new(new("run", "recipe"), "sw"), Stage.Embed, shards, window, 1, [new ModelRef("generator-0", "m")]);

    private static async Task<int> CountAsync(WorkflowHandle handle, EventType type) =>
        (await handle.FetchHistoryAsync()).Events.Count(e => e.EventType == type);

    private Task<WorkflowHandle<LanguageWorkflow, ShardResult>> StartAsync(StageInput input) =>
        environment.Client.StartWorkflowAsync((LanguageWorkflow w) => w.RunAsync(input), new WorkflowOptions(_id, TaskQueues.Cpu));
}
