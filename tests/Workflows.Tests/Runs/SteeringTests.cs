using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Workflows.Tests.Runs;

/// <summary>Settings from now on, verdicts on iterations, and what is tried again.</summary>
[Collection(nameof(LocalEnvironment))]
public sealed class SteeringTests(LocalEnvironment environment)
{
    private readonly string _run = $"run-{Guid.NewGuid():N}";

    [Fact]
    public Task Set_Values_HoldFromTheNextShardOn()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 1, NeedsTokenizer: false), Shards = 4 };
        var (first, second) = (activities.Close("generate sw 0/0 generator-0-0"), activities.Close("generate sw 1/0 r2 generator-0-0"));
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await first.Reached;
            await handle.ExecuteUpdateAsync(w => w.SetAsync(new("ana", "too alike", new[] { "models.generator.sampling.temperature=0.9" })));
            var values = await handle.ExecuteUpdateAsync(w => w.SetAsync(new("ana", null, new[] { "concurrency=3" })));
            values.ShouldBe(new Dictionary<string, string> { ["concurrency"] = "3", ["generator.temperature"] = "0.9" }, ignoreOrder: true);
            (await handle.QueryAsync(w => w.Progress)).Settings.ShouldBe(values, ignoreOrder: true);
            first.Open();
            await second.Reached;
            // Three at once now: the second and two more.
            await LocalEnvironment.EventuallyAsync(() => Task.FromResult(activities.Calls.Contains("generate sw 3/0 r2 generator-0-0")));
            second.Open();
            await handle.GetResultAsync();
            activities.Calls.ShouldContain("generate sw 2/0 r2 generator-0-0");
            activities.Calls.ShouldContain("rate sw 0/0 r2 evaluator-0-0");
            activities.Calls.Where(c => c.StartsWith("record", StringComparison.Ordinal)).ShouldBe(["record set generator.temperature=0.9", "record set concurrency=3"]);
            await ReplayAsync(handle);
            await ReplayAsync(environment.Client.GetWorkflowHandle($"{_run}/sw/generate-0"));
        });
    }

    [Theory]
    [InlineData("refine.keep=[0.5]", "xinstruct fork RUN RECIPE --from generate --set refine.keep=[0.5]")]
    [InlineData("generator.model=other", "trained in the run")]
    [InlineData("evaluator.temperature=1", "is a local model: evaluator.temperature is a setting of an endpoint.")]
    [InlineData("budget=20", "calls no endpoint")]
    [InlineData("concurrency=0", "concurrency is a whole number from 1 to 64; '0' is not.")]
    [InlineData("concurrency=2.5", "whole number")]
    [InlineData("generator.temperature=NaN", "generator.temperature is a number from 0 to 10; 'NaN' is not.")]
    [InlineData("concurrency", "is not key=value")]
    public Task Set_WhatCannotChange_IsRefusedWithTheWayOut(string set, string sentence)
    {
        var activities = new ScriptedActivities { Shards = 1 };
        var gate = activities.Close("generate sw 0/0 generator-0-0");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            var refused = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.SetAsync(new("ana", null, new[] { set }))));
            refused.InnerException!.Message.ShouldContain(sentence.Replace("RUN", _run));
            activities.Calls.ShouldNotContain(c => c.StartsWith("record", StringComparison.Ordinal));
            await handle.TerminateAsync();
            gate.Open();
        });
    }

    [Fact]
    public async Task Approve_Iteration_WaitsForItOverTheLossOfAllWorkers()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 1, 1, 2, NeedsTokenizer: false, Approve: true), Shards = 1 };
        var handle = default(WorkflowHandle<XInstructionWorkflow, RunResult>)!;
        await environment.WorkAsync(activities, async () =>
        {
            handle = await StartAsync();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).WaitsFor == 0);
        });
        activities.Calls.ShouldNotContain(c => c.StartsWith("train generator-0-1", StringComparison.Ordinal));
        await environment.WorkAsync(activities, async () =>
        {
            (await RefusedAsync(handle, new("ana", null, true, 1))).ShouldContain("waits for a verdict on iteration 0, not on 1");
            (await RefusedAsync(handle, new("ana", null, false, null))).ShouldContain("Before iteration 0 there is none");
            (await handle.ExecuteUpdateAsync(w => w.DecideAsync(new("ana", "good", true, 0)))).ShouldBe(0);
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).WaitsFor == 1);
            (await handle.ExecuteUpdateAsync(w => w.DecideAsync(new("ben", null, true, null)))).ShouldBe(1);
            await handle.GetResultAsync();
            activities.Calls.Where(c => c.Split(' ')[0] is "keep" or "record" or "embed").ShouldBe(
                ["keep sw 0", "record approve ana", "keep sw 1", "record approve ben", "keep sw 1 last approved", "embed sw 0/1 generator-0-1"]);
            await ReplayAsync(handle);
        });
    }

    [Fact]
    public Task Reject_Iteration_IsUndoneAndTheOneBeforeIsReleased()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 2, 1, 2, NeedsTokenizer: false, Approve: true, Verdicts: new Dictionary<int, bool> { [0] = true }), Shards = 1 };
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).WaitsFor == 1);
            await handle.ExecuteUpdateAsync(w => w.DecideAsync(new("ana", "worse than before", false, null)));
            await handle.GetResultAsync();
            activities.Calls.SkipWhile(c => c != "keep sw 1").ShouldBe(
                ["keep sw 1", "complete 1 sw", "record reject ana", "restore sw 1", "keep sw 0 last approved", "embed sw 0/0 generator-0-0", "select sw 1", "release", "train student-0-0", "evaluate student-0-0-initial student-0-0", "end"]);
            await ReplayAsync(handle);
        });
    }

    [Fact]
    public Task Start_AfterARejection_UndoesAndDoesNotGenerateAgain()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 2, 1, 2, NeedsTokenizer: false, Approve: true, Verdicts: new Dictionary<int, bool> { [0] = true, [1] = false }), Shards = 1 };
        return environment.WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            activities.Calls.ShouldContain("restore sw 1");
            activities.Calls.ShouldNotContain(c => c.StartsWith("generate sw 0/1", StringComparison.Ordinal));
        });
    }

    [Fact]
    public Task Retry_Failures_AreTriedAgainBeforeAnythingIsKept()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 0, 1, 2, NeedsTokenizer: false), Shards = 1 };
        var gate = activities.Close("rate sw 0/0 evaluator-0-0");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            var stage = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.RetryAsync(new("ana", null, "timeout", "embed", null))));
            stage.InnerException!.Message.ShouldContain("generate and rate");
            (await handle.ExecuteUpdateAsync(w => w.RetryAsync(new("ana", null, "timeout", null, "sw")))).ShouldBe(3);
            activities.Script.TryRemove("rate sw 0/0 evaluator-0-0", out _);
            gate.Open();
            await handle.GetResultAsync();
            activities.Calls.Where(c => c.Contains("sw", StringComparison.Ordinal) && c.Split(' ')[0] is "generate" or "rate" or "keep").Where(c => c.Contains(" sw ", StringComparison.Ordinal)).ShouldBe(
                ["generate sw 0/0 generator-0-0", "rate sw 0/0 evaluator-0-0", "generate sw 0/0 generator-0-0", "rate sw 0/0 evaluator-0-0", "keep sw 0 last"]);
            activities.Calls.Count(c => c.StartsWith("generate th", StringComparison.Ordinal)).ShouldBe(1);
            (await handle.QueryAsync(w => w.Progress)).Stages.Select(s => s.Workflow).ShouldContain($"{_run}/sw/generate-0-retry-1");
            await ReplayAsync(handle);
        });
    }

    [Fact]
    public Task Retry_WhileKeepIsPaused_IsDoneAtOnceAndAgain()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 2, NeedsTokenizer: false, Paused: [new RunPart(null, "keep")]), Shards = 1 };
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            for (var round = 1; round <= 2; round++)
            {
                await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Stages.Count(s => s is { Stage: Stage.Rate, Result: not null }) == round);
                await handle.ExecuteUpdateAsync(w => w.RetryAsync(new("ana", null, null, null, null)));
            }

            await LocalEnvironment.EventuallyAsync(async () => (await handle.QueryAsync(w => w.Progress)).Stages.Count(s => s is { Stage: Stage.Rate, Result: not null }) == 3);
            activities.Calls.ShouldNotContain(c => c.StartsWith("keep", StringComparison.Ordinal));
            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null, null, null, true)));
            await handle.GetResultAsync();
            activities.Calls.Count(c => c.StartsWith("rate", StringComparison.Ordinal)).ShouldBe(3);
            await ReplayAsync(handle);
        });
    }

    private static async Task<string> RefusedAsync(WorkflowHandle<XInstructionWorkflow> handle, VerdictInput input) =>
        (await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.DecideAsync(input)))).InnerException!.Message;

    private Task<WorkflowHandle<XInstructionWorkflow, RunResult>> StartAsync() => environment.Client.StartWorkflowAsync(
        (XInstructionWorkflow w) => w.RunAsync(new RunInput(_run, "recipe")), new WorkflowOptions(_run, TaskQueues.Cpu));

    private static async Task ReplayAsync(WorkflowHandle handle)
    {
        var fetched = await handle.FetchHistoryAsync();
        await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<XInstructionWorkflow>().AddWorkflow<LanguageWorkflow>())
            .ReplayWorkflowAsync(WorkflowHistory.FromJson(fetched.Id, fetched.ToJson()));
    }
}
