using Temporalio.Activities;
using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

public sealed class LargeActivities
{
    private int calls;

    public int Calls => calls;

    [Activity]
    public string Write(int bytes)
    {
        Interlocked.Increment(ref calls);
        return new string('x', bytes);
    }
}

[Workflow]
public class LargeWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync(string text, int bytes)
    {
        await Workflow.WaitConditionAsync(() => bytes > 0);
        return (await Workflow.ExecuteActivityAsync((LargeActivities a) => a.Write(bytes), new() { StartToCloseTimeout = TimeSpan.FromSeconds(20) })).Length;
    }

    [WorkflowSignal]
    public Task NoteAsync(string text) => Task.CompletedTask;

    [WorkflowQuery]
    public int Length(string text) => text.Length;
}

/// <summary>Asks for too much of something.</summary>
[Workflow]
public class GreedyWorkflow
{
    private static readonly ActivityOptions Nobody = new() { TaskQueue = "nobody", ScheduleToCloseTimeout = TimeSpan.FromHours(1) };
    private int wanted;
    private bool released;

    [WorkflowRun]
    public async Task<string> RunAsync(string what, int count, int bytes)
    {
        var text = new string('x', bytes);
        switch (what)
        {
            case "result":
                return text;
            case "failure":
                throw new ApplicationFailureException("much", details: [text]);
            case "again" when bytes > 0:
                throw Workflow.CreateContinueAsNewException((GreedyWorkflow w) => w.RunAsync(text, 0, 0));
        }
        for (wanted = count; ; wanted--)
        {
            await Workflow.WaitConditionAsync(() => wanted > 0);
            _ = what switch
            {
                "activity" => Workflow.ExecuteActivityAsync("Nothing", [text], Nobody),
                "child" => Workflow.StartChildWorkflowAsync("Nothing", [text], new() { TaskQueue = "nobody" }),
                "signal" => Workflow.GetExternalWorkflowHandle("nobody").SignalAsync("Nothing", [text]),
                _ => Workflow.GetExternalWorkflowHandle("nobody").CancelAsync(),
            };
        }
    }

    [WorkflowSignal]
    public Task MoreAsync()
    {
        wanted++;
        return Task.CompletedTask;
    }

    [WorkflowSignal]
    public Task ReleaseAsync()
    {
        released = true;
        return Task.CompletedTask;
    }

    [WorkflowUpdate]
    public Task HoldAsync() => Workflow.WaitConditionAsync(() => released);
}

/// <summary>The service's default limits: 2 MiB a value, 50 MiB a history, 2,000 of a kind that a run waits for, 10 updates at a time.</summary>
public sealed class LimitTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    private const int Limit = 2 << 20;
    private static readonly string Large = new('x', Limit + 1);

    [Fact]
    public async Task Argument_TooLarge_IsRefused()
    {
        await RefusedAsync(() => Client.StartWorkflowAsync((LargeWorkflow w) => w.RunAsync(Large, 1), Options()));
        var handle = await Client.StartWorkflowAsync((LargeWorkflow w) => w.RunAsync("small", 0), Options());
        await RefusedAsync(() => handle.SignalAsync(w => w.NoteAsync(Large)));
        (await handle.FetchHistoryAsync()).Events.ShouldNotContain(e => e.EventType == EventType.WorkflowExecutionSignaled);
        await handle.TerminateAsync();
    }

    [Theory]
    [InlineData(Limit - 1000, true)]
    [InlineData(Limit + 1, false)]
    public async Task Result_OfAnActivity_TooLarge_FailsItForGood(int bytes, bool fits)
    {
        var activities = new LargeActivities();
        await RunAsync(WorkerOptions(typeof(LargeWorkflow)).AddAllActivities(activities), async () =>
        {
            var handle = await Client.StartWorkflowAsync((LargeWorkflow w) => w.RunAsync("", bytes), Options());
            if (fits)
            {
                (await handle.GetResultAsync()).ShouldBe(bytes);
                return;
            }
            var failure = (await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync())).InnerException.ShouldBeOfType<ActivityFailureException>();
            failure.RetryState.ShouldBe(RetryState.NonRetryableFailure);
            failure.InnerException.ShouldBeOfType<ServerFailureException>().Message.ShouldBe("Complete result exceeds size limit.");
        });
        activities.Calls.ShouldBe(1);
    }

    [Fact]
    public Task History_TooLarge_EndsTheRun() => RunAsync(WorkerOptions(typeof(LargeWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((LargeWorkflow w) => w.RunAsync("small", 0), Options());
        var text = Large[..^1000];
        var error = await Should.ThrowAsync<RpcException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await handle.SignalAsync(w => w.NoteAsync(text));
                await Task.Delay(20);
            }
        });
        error.Code.ShouldBe(RpcException.StatusCode.NotFound);
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
        failure.InnerException.ShouldBeOfType<TerminatedFailureException>().Message.ShouldBe("Workflow history size exceeds limit.");
        (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Terminated);
    });

    [Theory]
    [InlineData("activity", "BadScheduleActivityAttributes: ScheduleActivityTaskCommandAttributes.Input exceeds size limit.")]
    [InlineData("child", "BadStartChildExecutionAttributes: StartChildWorkflowExecutionCommandAttributes. Input exceeds size limit.")]
    [InlineData("signal", "BadSignalWorkflowExecutionAttributes: SignalExternalWorkflowExecutionCommandAttributes.Input exceeds size limit.")]
    [InlineData("result", "BadScheduleActivityAttributes: CompleteWorkflowExecutionCommandAttributes.Result exceeds size limit.")]
    [InlineData("failure", "BadFailWorkflowExecutionAttributes: FailWorkflowExecutionCommandAttributes.Failure exceeds size limit.")]
    [InlineData("again", "BadContinueAsNewAttributes: ContinueAsNewWorkflowExecutionCommandAttributes. Input exceeds size limit.")]
    public Task Command_TooLarge_EndsTheRun(string what, string message) => RunAsync(WorkerOptions(typeof(GreedyWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((GreedyWorkflow w) => w.RunAsync(what, 1, Limit + 1), Options());
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
        failure.InnerException.ShouldBeOfType<TerminatedFailureException>().Message.ShouldBe(message);
        var history = (await handle.FetchHistoryAsync()).Events.Select(e => e.EventType).ToList();
        history.ShouldBe([
            EventType.WorkflowExecutionStarted, EventType.WorkflowTaskScheduled, EventType.WorkflowTaskStarted, EventType.WorkflowTaskFailed, EventType.WorkflowExecutionTerminated]);
    });

    [Theory]
    [InlineData("activity", "PENDING_ACTIVITIES_LIMIT_EXCEEDED")]
    [InlineData("child", "PENDING_CHILD_WORKFLOWS_LIMIT_EXCEEDED")]
    [InlineData("signal", "PENDING_SIGNALS_LIMIT_EXCEEDED")]
    [InlineData("cancel", "PENDING_REQUEST_CANCEL_LIMIT_EXCEEDED")]
    public Task Commands_TooMany_FailTheWorkflowTask(string what, string cause) => RunAsync(WorkerOptions(typeof(GreedyWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((GreedyWorkflow w) => w.RunAsync(what, 2001, 0), Options());
        await EventuallyAsync(async () => (await FailedTasksAsync(handle)).Count > 0);
        (await FailedTasksAsync(handle)).ShouldAllBe(c => c == $"WORKFLOW_TASK_FAILED_CAUSE_{cause}");
        (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Running);
        await handle.TerminateAsync();
    });

    [Fact]
    public Task Activities_AsManyAsMayWait_LeaveNoRoomForAnother() => RunAsync(WorkerOptions(typeof(GreedyWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((GreedyWorkflow w) => w.RunAsync("activity", 2000, 0), Options());
        await EventuallyAsync(async () => (await handle.FetchHistoryAsync()).Events.Count(e => e.EventType == EventType.ActivityTaskScheduled) == 2000);
        await handle.SignalAsync(w => w.MoreAsync());
        await EventuallyAsync(async () => await FailedTasksAsync(handle) is [.., "WORKFLOW_TASK_FAILED_CAUSE_PENDING_ACTIVITIES_LIMIT_EXCEEDED"]);
        await handle.TerminateAsync();
    });

    /// <summary>The client tries again for some seconds before it gives up.</summary>
    [Fact]
    public Task Updates_TooManyAtATime_WaitThenFail() => RunAsync(WorkerOptions(typeof(GreedyWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((GreedyWorkflow w) => w.RunAsync("wait", 0, 0), Options());
        var held = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => handle.StartUpdateAsync(w => w.HoldAsync(), new($"hold-{i}", WorkflowUpdateStage.Accepted))));
        // One that is there already takes no room.
        await handle.StartUpdateAsync(w => w.HoldAsync(), new("hold-0", WorkflowUpdateStage.Accepted));
        (await Should.ThrowAsync<RpcException>(() => handle.ExecuteUpdateAsync(w => w.HoldAsync(), new("hold-10")))).Code.ShouldBe(RpcException.StatusCode.ResourceExhausted);
        var another = handle.ExecuteUpdateAsync(w => w.HoldAsync(), new("hold-11"));
        await handle.SignalAsync(w => w.ReleaseAsync());
        await another;
        await Task.WhenAll(held.Select(h => h.GetResultAsync()));
        (await handle.FetchHistoryAsync()).Events.Count(e => e.EventType == EventType.WorkflowExecutionUpdateAccepted).ShouldBe(11);
        await handle.TerminateAsync();
    });

    [Fact]
    public Task Updates_TooManyInARun_AreRefused() => RunAsync(WorkerOptions(typeof(GreedyWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((GreedyWorkflow w) => w.RunAsync("wait", 0, 0), Options());
        await handle.SignalAsync(w => w.ReleaseAsync());
        await Parallel.ForAsync(0, 2000, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await handle.ExecuteUpdateAsync(w => w.HoldAsync(), new($"hold-{i}")));
        (await Should.ThrowAsync<RpcException>(() => handle.ExecuteUpdateAsync(w => w.HoldAsync()))).Code.ShouldBe(RpcException.StatusCode.FailedPrecondition);
        await handle.TerminateAsync();
    });

    private static async Task RefusedAsync(Func<Task> call)
    {
        var error = await Should.ThrowAsync<RpcException>(call);
        error.Code.ShouldBe(RpcException.StatusCode.InvalidArgument);
        error.Message.ShouldContain("exceeds limit");
    }
}
