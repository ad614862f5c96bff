using System.Collections.Concurrent;
using Temporalio.Activities;
using Temporalio.Api.Enums.V1;
using Temporalio.Api.WorkflowService.V1;
using Temporalio.Client;
using Temporalio.Worker;
using Temporalio.Worker.Interceptors;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class WaitingParent
{
    [WorkflowRun]
    public async Task<int> RunAsync(string childId, FailingCall call)
    {
        var child = Workflow.ExecuteChildWorkflowAsync((FailingWorkflow w) => w.RunAsync(call), new() { Id = childId });
        return await child;
    }
}

/// <summary>What the server says of executions and queues, and what stands around activities.</summary>
public sealed class DescribeTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public Task Describe_PendingChildAndActivity_SaysAttemptFailureAndQueue() =>
        RunAsync(WorkerOptions(typeof(WaitingParent), typeof(FailingWorkflow)).AddAllActivities(new FailingActivities()), async () =>
        {
            var call = new FailingCall("plain", int.MaxValue);
            var child = $"child-{Guid.NewGuid():N}";
            var handle = await Client.StartWorkflowAsync((WaitingParent w) => w.RunAsync(child, call), Options());
            await EventuallyAsync(async () => (await DescribeAsync(handle.Id)).PendingChildren.Count == 1);
            var pending = (await DescribeAsync(handle.Id)).PendingChildren[0];
            (pending.WorkflowId, pending.WorkflowTypeName).ShouldBe((child, nameof(FailingWorkflow)));
            await EventuallyAsync(async () => (await DescribeAsync(child)).PendingActivities is [{ Attempt: >= 3, LastFailure: not null }]);
            var activity = (await DescribeAsync(child)).PendingActivities.Single();
            activity.ActivityType.Name.ShouldBe("Fail");
            activity.LastFailure.Message.ShouldStartWith("plain ");
            activity.ActivityOptions.TaskQueue.Name.ShouldBe(Queue);
            activity.State.ShouldBeOneOf(PendingActivityState.Scheduled, PendingActivityState.Started);
            await handle.TerminateAsync();
            (await DescribeAsync(handle.Id)).PendingActivities.ShouldBeEmpty();
        });

    [Fact]
    public async Task DescribeTaskQueue_NobodyPolls_CountsWhatWaits()
    {
        var handle = await Client.StartWorkflowAsync((FailingWorkflow w) => w.RunAsync(new("plain", 1, 0, 0.01, null, 20, null, null, null, null)), Options());
        (await DescribeAsync(handle.Id)).PendingWorkflowTask.ShouldNotBeNull().State.ShouldBe(PendingWorkflowTaskState.Scheduled);
        await EventuallyAsync(async () => await BacklogAsync(TaskQueueType.Workflow) == 1);
        (await BacklogAsync(TaskQueueType.Activity)).ShouldBe(0);
        await RunAsync(WorkerOptions(typeof(FailingWorkflow)), () => EventuallyAsync(async () => await BacklogAsync(TaskQueueType.Activity) == 1));
        await handle.TerminateAsync();
    }

    [Fact]
    public async Task Interceptors_AroundActivities_SeeCallsResultsAndErrorsInOrder()
    {
        var seen = new ConcurrentQueue<string>();
        var options = WorkerOptions(typeof(FailingWorkflow)).AddAllActivities(new FailingActivities());
        options.Interceptors = [new Noting("outer", seen), new Noting("inner", seen)];
        await RunAsync(options, async () =>
        {
            (await Client.ExecuteWorkflowAsync((FailingWorkflow w) => w.RunAsync(new("plain", 2, 0, 0.01, null, 20, null, null, null, null)), Options())).ShouldBe(2);
            seen.ShouldBe([
                "outer Fail 1", "inner Fail 1", "inner failed", "outer failed", "outer Fail 2", "inner Fail 2", "inner gave 2", "outer gave 2",
            ]);
        });
    }

    private Task<DescribeWorkflowExecutionResponse> DescribeAsync(string id) =>
        Client.WorkflowService.DescribeWorkflowExecutionAsync(new() { Namespace = Client.Options.Namespace, Execution = new() { WorkflowId = id } });

    private async Task<long> BacklogAsync(TaskQueueType type) => (await Client.WorkflowService.DescribeTaskQueueAsync(
        new() { Namespace = Client.Options.Namespace, TaskQueue = new() { Name = Queue }, TaskQueueType = type, ReportStats = true })).Stats.ApproximateBacklogCount;

    private sealed class Noting(string name, ConcurrentQueue<string> seen) : IWorkerInterceptor
    {
        public ActivityInboundInterceptor InterceptActivity(ActivityInboundInterceptor nextInterceptor) => new Around(nextInterceptor, name, seen);

        private sealed class Around(ActivityInboundInterceptor next, string name, ConcurrentQueue<string> seen) : ActivityInboundInterceptor(next)
        {
            public override async Task<object?> ExecuteActivityAsync(ExecuteActivityInput input)
            {
                seen.Enqueue($"{name} {input.Activity.Name} {ActivityExecutionContext.Current.Info.Attempt}");
                try
                {
                    var result = await base.ExecuteActivityAsync(input);
                    seen.Enqueue($"{name} gave {result}");
                    return result;
                }
                catch (Exception)
                {
                    seen.Enqueue($"{name} failed");
                    throw;
                }
            }
        }
    }
}
