using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;

namespace Temporalio.Tests;

/// <summary>One workflow type through the versions of its code: each step gets a second activity.</summary>
public abstract class SharedWorkflow
{
    private static readonly ActivityOptions Call = new() { StartToCloseTimeout = TimeSpan.FromSeconds(20) };
    private int wanted;
    private bool done;

    [WorkflowSignal]
    public Task StepAsync()
    {
        wanted++;
        return Task.CompletedTask;
    }

    [WorkflowSignal]
    public Task EndAsync()
    {
        done = true;
        return Task.CompletedTask;
    }

    protected async Task<string> StepThroughAsync(Func<bool> changed)
    {
        var (steps, way) = (0, "none");
        while (true)
        {
            await Workflow.WaitConditionAsync(() => done || wanted > steps);
            if (wanted == steps)
            {
                return $"{way} {steps}";
            }
            way = "old";
            if (changed())
            {
                way = "new";
                await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.ForgetAsync(), Call);
            }
            steps = await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(steps, 1), Call);
        }
    }

    [Workflow("Shared")]
    public class Old : SharedWorkflow
    {
        [WorkflowRun]
        public Task<string> RunAsync() => StepThroughAsync(() => false);
    }

    [Workflow("Shared")]
    public class Patched : SharedWorkflow
    {
        [WorkflowRun]
        public Task<string> RunAsync() => StepThroughAsync(() => Workflow.Patched("forgets"));
    }

    [Workflow("Shared")]
    public class Deprecating : SharedWorkflow
    {
        [WorkflowRun]
        public Task<string> RunAsync() => StepThroughAsync(() =>
        {
            Workflow.DeprecatePatch("forgets");
            return true;
        });
    }

    /// <summary>What comes after <see cref="Deprecating"/>, and what must never come right after <see cref="Old"/>.</summary>
    [Workflow("Shared")]
    public class Final : SharedWorkflow
    {
        [WorkflowRun]
        public Task<string> RunAsync() => StepThroughAsync(() => true);
    }
}

[Workflow]
public class ManyPatchesWorkflow
{
    [WorkflowRun]
    public Task<bool> RunAsync() => Task.FromResult(Workflow.Patched("second") && Workflow.Patched("first") && Workflow.Patched("second"));
}

/// <summary>Workers of two versions on one queue: every task of a run may go to either. With XINSTRUCT_NIGHTLY set each pair shares its run for a minute.</summary>
public sealed class VersionTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    private static readonly TimeSpan Shared =
        string.IsNullOrEmpty(Environment.GetEnvironmentVariable("XINSTRUCT_NIGHTLY")) ? TimeSpan.Zero : TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData(typeof(SharedWorkflow.Old), typeof(SharedWorkflow.Patched), "old")]
    [InlineData(typeof(SharedWorkflow.Patched), typeof(SharedWorkflow.Deprecating), "new")]
    [InlineData(typeof(SharedWorkflow.Deprecating), typeof(SharedWorkflow.Final), "new")]
    public async Task Run_SharedByTwoVersions_EndsAsItBegan(Type first, Type second, string way)
    {
        var handle = await StartAsync();
        var steps = 0;
        await WorkAsync(first, async () => await StepAsync(handle, ++steps));
        var clock = Stopwatch.StartNew();
        await WorkAsync(first, () => WorkAsync(second, async () =>
        {
            for (IReadOnlyList<string> tasks = []; clock.Elapsed < Shared || tasks.Count(t => t == first.Name) < 4 || tasks.Count(t => t == second.Name) < 4;)
            {
                await StepAsync(handle, ++steps);
                tasks = (await HistoryAsync(handle)).Workers;
            }
            await handle.SignalAsync("End", []);
            (await handle.GetResultAsync<string>()).ShouldBe($"{way} {steps}");
        }));
        (await HistoryAsync(handle)).Failures.ShouldBeEmpty();
        await ReplayAsync(handle, first);
        await ReplayAsync(handle, second);
    }

    /// <summary>
    /// The second pair is the other way round: the old version is handed a run that the new one began. It finds a marker that it has no call for.
    /// </summary>
    [Theory]
    [InlineData(typeof(SharedWorkflow.Old), typeof(SharedWorkflow.Final), "old", "Activity")]
    [InlineData(typeof(SharedWorkflow.Patched), typeof(SharedWorkflow.Old), "new", "forgets")]
    public async Task Run_SharedWithAVersionThatDoesNotKnowItsWay_FailsThatVersionsTasksOnly(Type right, Type wrong, string way, string message)
    {
        var handle = await StartAsync();
        var steps = 0;
        await WorkAsync(right, async () => await StepAsync(handle, ++steps));
        await WorkAsync(right, () => WorkAsync(wrong, async () =>
        {
            while ((await HistoryAsync(handle)).Failures.Count == 0)
            {
                await StepAsync(handle, ++steps);
            }
        }));

        // Alone, the wrong version holds the run up and does no harm to it.
        await WorkAsync(wrong, async () =>
        {
            await handle.SignalAsync("Step", []);
            steps++;
            await EventuallyAsync(async () => (await Client.WorkflowService.DescribeWorkflowExecutionAsync(
                new() { Namespace = Client.Options.Namespace, Execution = new() { WorkflowId = handle.Id } })).PendingWorkflowTask is { Attempt: > 2 });
            (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Running);
        });
        await WorkAsync(right, async () =>
        {
            await handle.SignalAsync("End", []);
            (await handle.GetResultAsync<string>()).ShouldBe($"{way} {steps}");
        });

        var history = await HistoryAsync(handle);
        history.Workers.ShouldAllBe(w => w == right.Name);
        history.Failures.ShouldAllBe(f => f.Worker == wrong.Name && f.Cause == "WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR");
        history.Failures[0].Message.ShouldMatch(message);
        await ReplayAsync(handle, right);
        await Should.ThrowAsync<WorkflowNondeterminismException>(() => ReplayAsync(handle, wrong));
    }

    [Fact]
    public Task Patches_AreListed_AndReplayWithAndWithoutThat() => RunAsync(WorkerOptions(typeof(ManyPatchesWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((ManyPatchesWorkflow w) => w.RunAsync(), Options());
        (await handle.GetResultAsync()).ShouldBeTrue();
        var history = await handle.FetchHistoryAsync();
        history.Events.Skip(4).Select(e => e.EventType).ShouldBe([
            EventType.MarkerRecorded, EventType.UpsertWorkflowSearchAttributes, EventType.MarkerRecorded, EventType.UpsertWorkflowSearchAttributes, EventType.WorkflowExecutionCompleted]);
        (await handle.DescribeAsync()).TypedSearchAttributes.Get(SearchAttributeKey.CreateKeywordList("TemporalChangeVersion")).ShouldBe(["first", "second"]);
        await EventuallyAsync(async () => (await Client.CountWorkflowsAsync($"TaskQueue = '{Queue}' AND TemporalChangeVersion = 'first'")).Count == 1);

        var replayer = new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<ManyPatchesWorkflow>());
        await replayer.ReplayWorkflowAsync(WorkflowHistory.FromJson(handle.Id, history.ToJson()));
        // Older workers wrote the markers alone.
        var older = JsonNode.Parse(history.ToJson())!;
        var events = older["events"]!.AsArray();
        foreach (var upsert in events.Where(e => e!["upsertWorkflowSearchAttributesEventAttributes"] != null).ToList())
        {
            events.Remove(upsert);
        }
        for (var i = 0; i < events.Count; i++)
        {
            events[i]!["eventId"] = $"{i + 1}";
        }
        var flags = events[3]!["workflowTaskCompletedEventAttributes"]!["sdkMetadata"]!["coreUsedFlags"]!.AsArray();
        flags.Remove(flags.Single(f => f!.GetValue<int>() == 2));
        await replayer.ReplayWorkflowAsync(WorkflowHistory.FromJson(handle.Id, older.ToJsonString()));
    });

    private Task<WorkflowHandle> StartAsync() => Client.StartWorkflowAsync("Shared", [], Options());

    /// <summary>Runs a worker that keeps no workflow between tasks, so that any other may have the next one.</summary>
    private Task WorkAsync(Type version, Func<Task> test)
    {
        var options = WorkerOptions(version).AddAllActivities(new GreetingActivities());
        (options.Identity, options.MaxCachedWorkflows, options.MaxConcurrentWorkflowTasks) = (version.Name, 0, 1);
        return RunAsync(options, test);
    }

    private static async Task StepAsync(WorkflowHandle handle, int step)
    {
        await handle.SignalAsync("Step", []);
        await EventuallyAsync(async () =>
        {
            var events = (await handle.FetchHistoryAsync()).Events;
            return events.Count(e => e.EventType == EventType.ActivityTaskCompleted) >= step &&
                events.Last(e => e.EventType is EventType.ActivityTaskCompleted or EventType.WorkflowTaskCompleted).EventType == EventType.WorkflowTaskCompleted;
        });
    }

    private static Task<WorkflowReplayResult> ReplayAsync(WorkflowHandle handle, Type version) =>
        Task.Run(async () => await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow(version)).ReplayWorkflowAsync(await handle.FetchHistoryAsync()));

    /// <summary>Who did the completed workflow tasks, and who failed which.</summary>
    private static async Task<(IReadOnlyList<string> Workers, IReadOnlyList<(string Worker, string Cause, string Message)> Failures)> HistoryAsync(WorkflowHandle handle)
    {
        var (workers, failures, worker) = (new List<string>(), new List<(string, string, string)>(), string.Empty);
        using var history = JsonDocument.Parse((await handle.FetchHistoryAsync()).ToJson());
        foreach (var e in history.RootElement.GetProperty("events").EnumerateArray())
        {
            switch (e.GetProperty("eventType").GetString())
            {
                case "EVENT_TYPE_WORKFLOW_TASK_STARTED":
                    worker = e.GetProperty("workflowTaskStartedEventAttributes").TryGetProperty("identity", out var identity) ? identity.GetString()! : string.Empty;
                    break;
                case "EVENT_TYPE_WORKFLOW_TASK_COMPLETED":
                    workers.Add(worker);
                    break;
                case "EVENT_TYPE_WORKFLOW_TASK_FAILED":
                    var failed = e.GetProperty("workflowTaskFailedEventAttributes");
                    failures.Add((worker, failed.GetProperty("cause").GetString()!, failed.GetProperty("failure").GetProperty("message").GetString()!));
                    break;
            }
        }
        return (workers, failures);
    }
}
