using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Releases;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Tests;

/// <summary>What a changed release of the product might be: a run that seals before anything else.</summary>
[Workflow(nameof(XInstructionWorkflow))]
public sealed class ReorderedWorkflow
{
    [WorkflowRun]
    public async Task<RunResult> RunAsync(RunInput input)
    {
        var release = await Workflow.ExecuteActivityAsync((IReleaseActivities a) => a.SealReleaseAsync(input), ActivityDefaults.Cpu);
        await Workflow.ExecuteActivityAsync((IRunActivities a) => a.StartRunAsync(input), ActivityDefaults.Cpu);
        return new RunResult(release, "");
    }
}

[Collection(nameof(LocalEnvironment))]
public sealed class ReplayTests(LocalEnvironment environment)
{
    [Fact]
    public Task Replay_RecordedRun_TakesTheSameWay()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 1, 2, 2, NeedsTokenizer: true) };
        var gate = activities.Close("generate sw 0/0 generator-0-0 generator-1-0");
        return environment.WorkAsync(activities, async () =>
        {
            var id = $"run-{Guid.NewGuid():N}";
            var handle = await environment.Client.StartWorkflowAsync(
                (XInstructionWorkflow w) => w.RunAsync(new RunInput(id, "recipe")), new WorkflowOptions(id, TaskQueues.Cpu));
            await gate.Reached;
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null)));
            gate.Open();
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
            await handle.GetResultAsync();

            var run = await RecordAsync(handle);
            var stage = await RecordAsync(environment.Client.GetWorkflowHandle($"{id}/sw/generate-0"));
            var now = new WorkflowReplayerOptions().AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>();
            await new WorkflowReplayer(now).ReplayWorkflowAsync(run);
            await new WorkflowReplayer(now).ReplayWorkflowAsync(stage);
            await Should.ThrowAsync<WorkflowNondeterminismException>(() =>
                new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<ReorderedWorkflow>()).ReplayWorkflowAsync(run));
        });
    }

    /// <summary>The history as it would lie in a file.</summary>
    private static async Task<WorkflowHistory> RecordAsync(WorkflowHandle handle)
    {
        var fetched = await handle.FetchHistoryAsync();
        return WorkflowHistory.FromJson(fetched.Id, fetched.ToJson());
    }
}
