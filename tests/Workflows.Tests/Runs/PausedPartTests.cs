using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Tests.Runs;

[Collection(nameof(LocalEnvironment))]
public sealed class PausedPartTests(LocalEnvironment environment)
{
    private const string SwFirst = "generate sw 0/0 generator-0-0";
    private const string SwSecond = "generate sw 1/0 generator-0-0";
    private readonly string _run = $"run-{Guid.NewGuid():N}";

    [Fact]
    public Task Pause_OneLanguage_HoldsItBackAndTheOthersGoOn()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 0, 1, 1, NeedsTokenizer: false) };
        var gate = activities.Close(SwFirst);
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", "the texts look odd", Language: "sw")));
            (await handle.QueryAsync(w => w.Progress)).Paused.ShouldBe([new RunPart("sw", null)]);
            var sw = environment.Client.GetWorkflowHandle<LanguageWorkflow>($"{_run}/sw/generate-0");
            await LocalEnvironment.EventuallyAsync(async () => (await sw.QueryAsync(w => w.Progress)).IsPaused);
            gate.Open();
            await LocalEnvironment.EventuallyAsync(async () => (await sw.QueryAsync(w => w.Progress)).ShardsDone == 1);
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Stages.Any(s => s is { Language: "th", Stage: Stage.Generate, Result: not null }));
            (await sw.FetchHistoryAsync()).Events.Count(e => e.EventType == EventType.ActivityTaskScheduled).ShouldBe(1);
            activities.Calls.ShouldNotContain(SwSecond);

            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, Language: "sw")));
            await handle.GetResultAsync();
            activities.Calls.ShouldContain("record pause ana sw");
            activities.Calls.ShouldContain("record resume ana sw");
            activities.Calls.ShouldBeUnique();
            await ReplayAsync(handle);
            await ReplayAsync(sw);
        });
    }

    [Fact]
    public Task Pause_OneStageOfALanguage_HoldsThatStageOnly()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 0, 1, 2, NeedsTokenizer: false) };
        var gate = activities.Close(SwFirst);
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null, "sw", "rate")));
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null, "th", "keep")));
            gate.Open();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Stages.Any(s => s is { Language: "th", Stage: Stage.Rate, Result: not null }));
            activities.Calls.ShouldContain(SwSecond);
            activities.Calls.ShouldNotContain(c => c.StartsWith("rate sw", StringComparison.Ordinal));
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, "sw", "rate")));
            await LocalEnvironment.EventuallyAsync(() => Task.FromResult(activities.Calls.Contains("keep sw 0 last")));
            activities.Calls.ShouldNotContain("keep th 0 last");

            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, null, null, true)));
            await handle.GetResultAsync();
            activities.Calls.ShouldContain("record resume ana keep of th");
            await ReplayAsync(handle);
        });
    }

    [Fact]
    public Task Pause_WhatMakesNoSense_IsRefusedWithWhatWould()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 0, 1, 2, NeedsTokenizer: false) };
        var gate = activities.Close(SwFirst);
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            (await RefusedAsync(w => w.PauseAsync(new("ana", null, "xx", null)))).ShouldBe("The run has no language 'xx'. Its languages are sw, th.");
            (await RefusedAsync(w => w.PauseAsync(new("ana", null, null, "gen")))).ShouldStartWith("A run has no stage 'gen'. Its stages are ingest, train, generate,");
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null, "sw", null)));
            (await RefusedAsync(w => w.PauseAsync(new("ana", null, "sw", null)))).ShouldStartWith("Sw is paused already.");
            (await RefusedAsync(w => w.ResumeAsync(new("ana", null)))).ShouldBe("The run is not paused by itself. Paused: sw. Resume just that, or all with --all.");
            (await RefusedAsync(w => w.ResumeAsync(new("ana", null, "sw", "rate")))).ShouldStartWith("Rate of sw is not paused by itself.");
            activities.Calls.Count(c => c.StartsWith("record", StringComparison.Ordinal)).ShouldBe(1);
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, "sw", null)));
            gate.Open();
            await handle.GetResultAsync();

            async Task<string> RefusedAsync(System.Linq.Expressions.Expression<Func<XInstructionWorkflow, Task>> update) =>
                (await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(update))).InnerException!.Message;
        });
    }

    [Fact]
    public Task Start_WithPartsThatAnEarlierStartLeftPaused_HoldsThem()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 2, NeedsTokenizer: false, Paused: [new RunPart(null, "rate")]) };
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Stages.Any(s => s is { Stage: Stage.Generate, Result: not null }));
            (await handle.QueryAsync(w => w.Progress)).Paused.ShouldBe([new RunPart(null, "rate")]);
            activities.Calls.ShouldNotContain(c => c.StartsWith("rate", StringComparison.Ordinal));
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, null, "rate")));
            await handle.GetResultAsync();
        });
    }

    private Task<WorkflowHandle<XInstructionWorkflow, RunResult>> StartAsync() => environment.Client.StartWorkflowAsync(
        (XInstructionWorkflow w) => w.RunAsync(new RunInput(_run, "recipe")), new WorkflowOptions(_run, TaskQueues.Cpu));

    private static async Task ReplayAsync(WorkflowHandle handle)
    {
        var fetched = await handle.FetchHistoryAsync();
        await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>())
            .ReplayWorkflowAsync(WorkflowHistory.FromJson(fetched.Id, fetched.ToJson()));
    }
}
