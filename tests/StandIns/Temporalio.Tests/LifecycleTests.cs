using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class WaitingWorkflow
{
    private bool released;

    [WorkflowRun]
    public async Task<string> RunAsync(double seconds)
    {
        if (await Workflow.WaitConditionAsync(() => released, TimeSpan.FromSeconds(seconds)))
        {
            return "released";
        }
        return "timed out";
    }

    [WorkflowSignal]
    public Task ReleaseAsync()
    {
        released = true;
        return Task.CompletedTask;
    }
}

[Workflow]
public class CleaningWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(bool swallow)
    {
        try
        {
            await Workflow.DelayAsync(TimeSpan.FromHours(1));
            return "slept";
        }
        catch (Exception e) when (TemporalException.IsCanceledException(e))
        {
            using var detached = new CancellationTokenSource();
            await Workflow.DelayAsync(TimeSpan.FromMilliseconds(5), detached.Token);
            if (!swallow)
            {
                throw;
            }
            return "cleaned";
        }
    }
}

public sealed record Cursor(int Runs, int Handled);

[Workflow]
public class ContinuingWorkflow
{
    [WorkflowRun]
    public async Task<Cursor> RunAsync(Cursor cursor)
    {
        await Workflow.DelayAsync(1);
        var next = new Cursor(cursor.Runs + 1, cursor.Handled + 10);
        return next.Runs == 3
            ? next
            : throw Workflow.CreateContinueAsNewException((ContinuingWorkflow w) => w.RunAsync(next));
    }
}

[Workflow]
public class ErrorWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync(int succeedAt)
    {
        await Workflow.DelayAsync(1);
        return Workflow.Info.Attempt >= succeedAt
            ? Workflow.Info.Attempt
            : throw new ApplicationFailureException("not yet", "NotYet", details: ["detail"]);
    }
}

public sealed class LifecycleTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public Task WaitCondition_SignalOrTimeout_Decides() => RunAsync(WorkerOptions(typeof(WaitingWorkflow)), async () =>
    {
        (await Client.ExecuteWorkflowAsync((WaitingWorkflow w) => w.RunAsync(0.05), Options())).ShouldBe("timed out");
        var handle = await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), Options());
        await EventuallyAsync(async () => (await handle.FetchHistoryAsync()).Events.Any(e => e.EventType == EventType.TimerStarted));
        await handle.SignalAsync(w => w.ReleaseAsync());
        (await handle.GetResultAsync()).ShouldBe("released");
        var types = (await handle.FetchHistoryAsync()).Events.Select(e => e.EventType).ToArray();
        types[0].ShouldBe(EventType.WorkflowExecutionStarted);
        types.ShouldContain(EventType.TimerCanceled);
        types.ShouldContain(EventType.WorkflowExecutionSignaled);
        types[^1].ShouldBe(EventType.WorkflowExecutionCompleted);
    });

    [Fact]
    public Task Cancel_CleansUpAndEnds() => RunAsync(WorkerOptions(typeof(CleaningWorkflow)), async () =>
    {
        var swallowing = await Client.StartWorkflowAsync((CleaningWorkflow w) => w.RunAsync(true), Options());
        await swallowing.CancelAsync();
        (await swallowing.GetResultAsync()).ShouldBe("cleaned");

        var passing = await Client.StartWorkflowAsync((CleaningWorkflow w) => w.RunAsync(false), Options());
        await passing.CancelAsync();
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => passing.GetResultAsync());
        failure.InnerException.ShouldBeOfType<CanceledFailureException>();
        (await passing.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Canceled);
    });

    [Fact]
    public async Task Terminate_Running_FailsWaiters()
    {
        var handle = await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), Options());
        await handle.TerminateAsync("budget spent");
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
        failure.InnerException.ShouldBeOfType<TerminatedFailureException>().Message.ShouldBe("budget spent");
        (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Terminated);
        (await Should.ThrowAsync<RpcException>(() => handle.SignalAsync(w => w.ReleaseAsync()))).Code.ShouldBe(RpcException.StatusCode.NotFound);
    }

    [Fact]
    public async Task RunTimeout_WithoutWorker_TimesOut()
    {
        var options = Options();
        options.RunTimeout = TimeSpan.FromSeconds(1);
        var handle = await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options);
        var failure = await Should.ThrowAsync<WorkflowFailedException>(() => handle.GetResultAsync());
        failure.InnerException.ShouldBeOfType<TimeoutFailureException>().TimeoutType.ShouldBe(TimeoutType.StartToClose);
        (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.TimedOut);
    }

    [Fact]
    public Task ContinueAsNew_CarriesTheCursor() => RunAsync(WorkerOptions(typeof(ContinuingWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((ContinuingWorkflow w) => w.RunAsync(new(0, 0)), Options());
        (await handle.GetResultAsync()).ShouldBe(new Cursor(3, 30));
        await Should.ThrowAsync<WorkflowContinuedAsNewException>(() => handle.GetResultAsync(followRuns: false));
        var last = await Client.GetWorkflowHandle(handle.Id).DescribeAsync();
        last.RunId.ShouldNotBe(handle.ResultRunId);
        last.Status.ShouldBe(WorkflowExecutionStatus.Completed);
        (await Client.GetWorkflowHandle(handle.Id, handle.ResultRunId).DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.ContinuedAsNew);
    });

    [Fact]
    public Task Failure_KeepsTypeAndDetails_AndRetries() => RunAsync(WorkerOptions(typeof(ErrorWorkflow)), async () =>
    {
        var failure = await Should.ThrowAsync<WorkflowFailedException>(
            () => Client.ExecuteWorkflowAsync((ErrorWorkflow w) => w.RunAsync(2), Options()));
        var inner = failure.InnerException.ShouldBeOfType<ApplicationFailureException>();
        inner.ErrorType.ShouldBe("NotYet");
        inner.Details.ElementAt<string>(0).ShouldBe("detail");

        var retried = Options();
        retried.RetryPolicy = new() { InitialInterval = TimeSpan.FromMilliseconds(10), MaximumAttempts = 3 };
        (await Client.ExecuteWorkflowAsync((ErrorWorkflow w) => w.RunAsync(2), retried)).ShouldBe(2);
    });

    [Fact]
    public async Task Start_SameId_FollowsThePolicies()
    {
        var options = Options();
        var first = await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options);
        var refused = await Should.ThrowAsync<WorkflowAlreadyStartedException>(
            () => Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options));
        refused.WorkflowId.ShouldBe(options.Id);
        refused.RunId.ShouldBe(first.ResultRunId);

        options.IdConflictPolicy = WorkflowIdConflictPolicy.UseExisting;
        (await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options)).ResultRunId.ShouldBe(first.ResultRunId);

        options.IdConflictPolicy = WorkflowIdConflictPolicy.TerminateExisting;
        var second = await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options);
        second.ResultRunId.ShouldNotBe(first.ResultRunId);
        (await Client.GetWorkflowHandle(first.Id, first.ResultRunId).DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Terminated);

        await second.TerminateAsync();
        options.IdConflictPolicy = WorkflowIdConflictPolicy.Unspecified;
        options.IdReusePolicy = WorkflowIdReusePolicy.RejectDuplicate;
        await Should.ThrowAsync<WorkflowAlreadyStartedException>(
            () => Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options));
        options.IdReusePolicy = WorkflowIdReusePolicy.AllowDuplicateFailedOnly;
        await (await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options)).TerminateAsync();
    }

    [Fact]
    public async Task Start_SameIdAtOnce_StartsOne()
    {
        var options = Options();
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                return (await Client.StartWorkflowAsync((WaitingWorkflow w) => w.RunAsync(600), options)).ResultRunId;
            }
            catch (WorkflowAlreadyStartedException e)
            {
                return "refused " + e.RunId;
            }
        }));
        results.Count(r => !r!.StartsWith("refused ", StringComparison.Ordinal)).ShouldBe(1);
        results.Select(r => r!.Replace("refused ", string.Empty)).Distinct().Count().ShouldBe(1);
        await Client.GetWorkflowHandle(options.Id!).TerminateAsync();
    }
}
