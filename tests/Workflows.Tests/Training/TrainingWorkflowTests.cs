using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Tests.Training;

[Collection(nameof(LocalEnvironment))]
public sealed class TrainingWorkflowTests(LocalEnvironment environment)
{
    private readonly string _id = $"training-{Guid.NewGuid():N}";

    [Fact]
    public Task Run_Training_StartsTrainsAndEnds()
    {
        var activities = new ScriptedActivities();
        var gate = activities.Close("tune recipe");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            (await handle.QueryAsync(w => w.Phase)).ShouldBe("train");
            gate.Open();
            var model = await handle.GetResultAsync();
            model.ShouldBe(new TunedModel("model", "base", 5, 50, 1.5, 4, 1.25, false));
            activities.Calls.ShouldBe(["start training", "tune recipe", "end training model"]);
            (await handle.QueryAsync(w => w.Phase)).ShouldBe("done");
            var fetched = await handle.FetchHistoryAsync();
            await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<TrainingWorkflow>()).ReplayWorkflowAsync(WorkflowHistory.FromJson(fetched.Id, fetched.ToJson()));
        });
    }

    [Fact]
    public Task Run_WorkerLostTwice_TrainsAgainAndNothingElse()
    {
        var activities = new ScriptedActivities();
        var left = 2;
        activities.Script["tune recipe"] = () => Interlocked.Decrement(ref left) >= 0 ? throw new IOException("The disk is away.") : Task.CompletedTask;
        return environment.WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            activities.Calls.ShouldBe(["start training", "tune recipe", "tune recipe", "tune recipe", "end training model"]);
        });
    }

    [Theory]
    [InlineData(FailureTypes.TrainingFailed)]
    [InlineData(FailureTypes.BadInput)]
    public Task Run_FailureThatNoRetryMends_EndsAtOnce(string type)
    {
        var activities = new ScriptedActivities();
        activities.Script["tune recipe"] = () => throw new ApplicationFailureException("Out of memory at step 1. Lower batchTokens.", type);
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            Exception cause = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
            while (cause.InnerException is { } inner) cause = inner;
            cause.Message.ShouldContain("Lower batchTokens");
            activities.Calls.ShouldBe(["start training", "tune recipe"]);
        });
    }

    [Fact]
    public Task Pause_Training_EndsItForNowAndResumeGoesOn()
    {
        var activities = new ScriptedActivities();
        var gate = activities.Close("tune recipe");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null)));
            await LocalEnvironment.EventuallyAsync(() => Task.FromResult(gate.Cancelled));
            (await handle.QueryAsync(w => w.IsPaused)).ShouldBeTrue();
            (await handle.QueryAsync(w => w.Phase)).ShouldBe("train");
            activities.Script.TryRemove("tune recipe", out _);
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
            await handle.GetResultAsync();
            activities.Calls.ShouldBe(["start training", "tune recipe", "record pause ana", "record resume ana", "tune recipe", "end training model"], ignoreOrder: true);
            var fetched = await handle.FetchHistoryAsync();
            await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<TrainingWorkflow>()).ReplayWorkflowAsync(WorkflowHistory.FromJson(fetched.Id, fetched.ToJson()));
        });
    }

    private Task<WorkflowHandle<TrainingWorkflow, TunedModel>> StartAsync() =>
        environment.Client.StartWorkflowAsync((TrainingWorkflow w) => w.RunAsync(new TuneInput(_id, "recipe")), new WorkflowOptions(_id, TaskQueues.Cpu));
}
