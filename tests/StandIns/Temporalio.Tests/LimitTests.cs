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

/// <summary>The service's default limits: 2 MiB a value, 50 MiB a history.</summary>
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

    private static async Task RefusedAsync(Func<Task> call)
    {
        var error = await Should.ThrowAsync<RpcException>(call);
        error.Code.ShouldBe(RpcException.StatusCode.InvalidArgument);
        error.Message.ShouldContain("exceeds limit");
    }
}
