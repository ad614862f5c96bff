using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Tests.Runs;

[Collection(nameof(LocalEnvironment))]
public sealed class XInstructionWorkflowTests(LocalEnvironment environment)
{
    private readonly string _run = $"run-{Guid.NewGuid():N}";

    [Fact]
    public Task Run_OneLanguage_CallsEachStageInOrder()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 1, 2, 1, NeedsTokenizer: true), Shards = 1 };
        return environment.WorkAsync(activities, async () =>
        {
            var result = await (await StartAsync()).GetResultAsync();
            result.ShouldBe(new RunResult(new(1, "sha", 9), "student-0-1"));
            activities.Calls.ShouldBe([
                "start", "stage sw", "scan sw 0/0", "screen sw 1", "accept sw 0/0",
                "train tokenizer", "train fold-0-0 t", "train fold-1-0 t", "train evaluator-0-0 +fold-0-0 +fold-1-0 t",
                // Before anything is kept each generator may label all texts, later its half.
                "train generator-0-0 t", "train generator-1-0 t", "generate sw 0/0 generator-0-0 generator-1-0", "rate sw 0/0 evaluator-0-0",
                "keep sw 0", "complete 0 sw",
                "train generator-0-1 t", "train generator-1-1 t", "generate sw 0/1 generator-0-1:0 generator-1-1:1", "rate sw 0/1 evaluator-0-0",
                "keep sw 1 last", "complete 1 sw",
                "embed sw 0/1 generator-0-1:0", "select sw 1", "release", "train student-0-1 t", "evaluate student-0-1-initial student-0-1", "end",
            ]);
        });
    }

    [Theory]
    [InlineData(true, false, false, "train evaluator-0-0 t|api generate sw 0/0|rate sw 0/0 evaluator-0-0|embed sw 0/0 evaluator-0-0")]
    [InlineData(false, true, false, "train generator-0-0 t|generate sw 0/0 generator-0-0|api rate sw 0/0|embed sw 0/0 generator-0-0")]
    [InlineData(true, true, false, "api generate sw 0/0|api rate sw 0/0|train generator-0-0 t|embed sw 0/0 generator-0-0")]
    [InlineData(true, true, true, "api generate sw 0/0|api rate sw 0/0|embed sw 0/0")]
    public Task Run_RemoteModels_AreNotTrainedAndWorkOnTheirOwnQueue(bool generator, bool evaluator, bool encoder, string calls)
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 1, true, generator, evaluator, encoder), Shards = 1 };
        return environment.WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            string[] stages = ["train", "generate", "rate", "embed", "api"];
            activities.Calls.Where(c => stages.Contains(c.Split(' ')[0]) && !c.Contains("tokenizer") && !c.Contains("fold") && !c.Contains("student"))
                .Select(c => c.Replace(" +fold-0-0 +fold-1-0", "")).ShouldBe(calls.Split('|'));
            activities.Calls.ShouldNotContain(c => c.StartsWith("train fold", StringComparison.Ordinal));
        });
    }

    [Fact]
    public Task Run_ManyLanguages_NoStageBeforeAllLanguagesEndedTheOneBefore()
    {
        var activities = new ScriptedActivities { Shape = new(["th", "sw", "hi"], 0, 1, 2, NeedsTokenizer: false), Shards = 3 };
        return environment.WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            string[] stages = ["start", "stage", "train", "generate", "rate", "keep", "complete", "embed", "select", "release", "train", "evaluate", "end"];
            var ingest = activities.Calls.Where(c => c.Split(' ')[0] is "scan" or "screen" or "accept").ToArray();
            var rest = activities.Calls.Where(c => !ingest.Contains(c)).Select(c => c.Split(' ')[0]).ToArray();
            rest.Where((stage, i) => i == 0 || rest[i - 1] != stage).ShouldBe(stages);
            activities.Calls.ShouldBeUnique();
            foreach (var language in activities.Shape.Languages)
            {
                var calls = ingest.Where(c => c.Contains($" {language} ")).ToArray();
                calls[..3].ShouldBe([$"scan {language} 0/0", $"scan {language} 1/0", $"scan {language} 2/0"], ignoreOrder: true);
                calls[3..].ShouldBe([$"screen {language} 3", $"accept {language} 0/0", $"accept {language} 1/0", $"accept {language} 2/0"]);
            }

            activities.Calls.ShouldContain("complete 0 th sw hi");
        });
    }

    [Fact]
    public Task Run_Stages_AreChildrenNamedByRunLanguageAndStage()
    {
        var activities = new ScriptedActivities { Shape = new(["sw", "th"], 1, 1, 2, NeedsTokenizer: false) };
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await handle.GetResultAsync();
            var stages = (await handle.QueryAsync(w => w.Progress)).Stages;
            string[] names = ["scan", "accept", "generate-0", "rate-0", "generate-1", "rate-1", "embed"];
            stages.Select(s => s.Workflow).ShouldBe(names.SelectMany(n => new[] { $"{_run}/sw/{n}", $"{_run}/th/{n}" }), ignoreOrder: true);
            foreach (var stage in stages)
            {
                stage.Result.ShouldBe(new ShardResult(20, 2, 200, 40, "last of 1"));
                var child = await environment.Client.GetWorkflowHandle(stage.Workflow).DescribeAsync();
                child.Status.ShouldBe(WorkflowExecutionStatus.Completed);
                child.ParentId.ShouldBe(_run);
            }
        });
    }

    [Theory]
    [InlineData("stage sw", FailureTypes.BadInput)]
    [InlineData("scan sw 1/0", FailureTypes.TooManyBadRows)]
    [InlineData("release", FailureTypes.Tampered)]
    public Task Run_FailureThatNoRetryMends_EndsAtOnceWithItsReason(string call, string type)
    {
        var activities = new ScriptedActivities();
        activities.Script[call] = () => throw new ApplicationFailureException($"{call} is wrong. Mend it.", type);
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
            Exception cause = failure;
            while (cause.InnerException is { } inner) cause = inner;
            cause.Message.ShouldBe($"{call} is wrong. Mend it.");
            cause.ShouldBeOfType<ApplicationFailureException>().ErrorType.ShouldBe(type);
            (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Failed);
            activities.Calls.Count(c => c == call).ShouldBe(1);
            activities.Calls.ShouldNotContain("end");
        });
    }

    [Fact]
    public Task Run_ActivityThatFailsTwice_IsRetriedAndNothingElseIsRepeated()
    {
        var activities = new ScriptedActivities();
        var left = 2;
        activities.Script["rate sw 1/0 evaluator-0-0"] = () =>
            Interlocked.Decrement(ref left) >= 0 ? throw new IOException("The server is away.") : Task.CompletedTask;
        return environment.WorkAsync(activities, async () =>
        {
            await (await StartAsync()).GetResultAsync();
            activities.Calls.Count(c => c == "rate sw 1/0 evaluator-0-0").ShouldBe(3);
            activities.Calls.Count.ShouldBe(activities.Calls.Distinct().Count() + 2);
        });
    }

    [Fact]
    public Task Pause_HoldsBackNewShardsUntilResume()
    {
        var activities = new ScriptedActivities { Shape = new(["sw"], 0, 1, 1, NeedsTokenizer: false), Shards = 3 };
        var gate = activities.Close("generate sw 0/0 generator-0-0");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", "lunch")));
            activities.Calls.ShouldContain("record pause ana");
            (await handle.QueryAsync(w => w.Progress)).IsPaused.ShouldBeTrue();
            var refused = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ben", null))));
            refused.InnerException!.Message.ShouldContain("paused already");
            activities.Calls.ShouldNotContain("record pause ben");

            var child = environment.Client.GetWorkflowHandle<LanguageWorkflow>($"{_run}/sw/generate-0");
            await LocalEnvironment.EventuallyAsync(async () => (await child.QueryAsync(w => w.Progress)).IsPaused);
            gate.Open();
            // What is in flight ends; the task that sees its end would have started the next shard.
            await LocalEnvironment.EventuallyAsync(async () => (await child.QueryAsync(w => w.Progress)).ShardsDone == 1);
            (await child.FetchHistoryAsync()).Events.Count(e => e.EventType == EventType.ActivityTaskScheduled).ShouldBe(1);

            await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
            await handle.GetResultAsync();
            activities.Calls.ShouldBeUnique();
            activities.Calls.ShouldContain("record resume ana");
        });
    }

    [Fact]
    public Task Resume_WhenNotPaused_IsRefused()
    {
        var activities = new ScriptedActivities();
        var gate = activities.Close("start");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.ResumeAsync(new(null, null))));
            gate.Open();
            await handle.GetResultAsync();
            activities.Calls.ShouldNotContain(c => c.StartsWith("record"));
        });
    }

    /// <summary>The run learns of the pause's record and of the stage's end at once, so that it signals a child that is gone.</summary>
    [Fact]
    public async Task Pause_AsItsStageEnds_StillSucceeds()
    {
        var activities = new ScriptedActivities { Shards = 1 };
        var working = activities.Close("rate sw 0/0 evaluator-0-0");
        var recording = activities.Close("record pause ana");
        await environment.ActAsync(activities, async () =>
        {
            var handle = await StartAsync();
            var child = environment.Client.GetWorkflowHandle($"{_run}/sw/rate-0");
            Task pause = Task.CompletedTask;
            await environment.DecideAsync(
                async () =>
                {
                    await working.Reached;
                    pause = handle.ExecuteUpdateAsync(w => w.PauseAsync(new("ana", null)));
                    await recording.Reached;
                },
                typeof(XInstructionWorkflow),
                typeof(LanguageWorkflow));
            recording.Open();
            await LocalEnvironment.EventuallyAsync(async () => (await handle.FetchHistoryAsync()).Events.Count(e =>
                e.EventType is EventType.ActivityTaskScheduled) == (await handle.FetchHistoryAsync()).Events.Count(e => e.EventType is EventType.ActivityTaskCompleted));
            working.Open();
            // A worker that does not know the run ends the stage alone.
            await environment.DecideAsync(() => LocalEnvironment.EventuallyAsync(async () =>
                (await child.DescribeAsync()).Status == WorkflowExecutionStatus.Completed), typeof(LanguageWorkflow));
            await environment.DecideAsync(
                async () =>
                {
                    await pause;
                    await handle.ExecuteUpdateAsync(w => w.ResumeAsync(new("ana", null)));
                    await handle.GetResultAsync();
                },
                typeof(XInstructionWorkflow),
                typeof(LanguageWorkflow));
        });
    }

    [Fact]
    public Task Cancel_EndsTheRunItsStagesAndTheirActivities()
    {
        var activities = new ScriptedActivities();
        var gate = activities.Close("generate sw 0/0 generator-0-0");
        return environment.WorkAsync(activities, async () =>
        {
            var handle = await StartAsync();
            await gate.Reached;
            await handle.CancelAsync();
            var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
            failure.InnerException.ShouldBeOfType<CanceledFailureException>();
            (await environment.Client.GetWorkflowHandle($"{_run}/sw/generate-0").DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Canceled);
            await LocalEnvironment.EventuallyAsync(() => Task.FromResult(gate.Cancelled));
            activities.Calls.ShouldNotContain(c => c.StartsWith("rate") || c == "end");
        });
    }

    private Task<WorkflowHandle<XInstructionWorkflow, RunResult>> StartAsync() => environment.Client.StartWorkflowAsync(
        (XInstructionWorkflow w) => w.RunAsync(new RunInput(_run, "recipe")), new WorkflowOptions(_run, TaskQueues.Cpu));
}
