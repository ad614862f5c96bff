using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class ChildCancelingWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(ChildWorkflowCancellationType type)
    {
        using var source = new CancellationTokenSource();
        var child = await Workflow.StartChildWorkflowAsync((SlowlyCancelingWorkflow c) => c.RunAsync(), new()
        {
            Id = $"{Workflow.Info.WorkflowId}/c",
            CancellationType = type,
            CancellationToken = source.Token,
            ParentClosePolicy = ParentClosePolicy.Abandon,
        });
        source.Cancel();
        try
        {
            return await child.GetResultAsync();
        }
        catch (ChildWorkflowFailureException e) when (e.InnerException is CanceledFailureException)
        {
            return "cancelled";
        }
    }
}

/// <summary>Once cancelled it waits for a word before it ends.</summary>
[Workflow]
public class SlowlyCancelingWorkflow
{
    private bool released;

    [WorkflowQuery]
    public bool Canceling => Workflow.CancellationToken.IsCancellationRequested;

    [WorkflowRun]
    public async Task<string> RunAsync()
    {
        using var detached = new CancellationTokenSource();
        await Workflow.WaitConditionAsync(() => released, detached.Token);
        Workflow.CancellationToken.ThrowIfCancellationRequested();
        return "released";
    }

    [WorkflowSignal]
    public Task ReleaseAsync()
    {
        released = true;
        return Task.CompletedTask;
    }
}

[Workflow]
public class OnceWorkflow
{
    [WorkflowRun]
    public Task RunAsync() => Workflow.ExecuteActivityAsync((FailingActivities a) => a.FailAsync("slow", 9), new()
    {
        StartToCloseTimeout = TimeSpan.FromSeconds(0.3),
        RetryPolicy = new() { InitialInterval = TimeSpan.FromMilliseconds(10), MaximumAttempts = 4, NonRetryableErrorTypes = ["TemporalTimeout:StartToClose"] },
    });
}

/// <summary>Policies and rules of the service that decide who wins.</summary>
public sealed class PolicyTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Theory]
    [InlineData(WorkflowIdReusePolicy.AllowDuplicate, true, true)]
    [InlineData(WorkflowIdReusePolicy.AllowDuplicateFailedOnly, false, true)]
    [InlineData(WorkflowIdReusePolicy.RejectDuplicate, false, false)]
    public Task IdReuse_AfterSuccessAndAfterFailure_FollowsThePolicy(WorkflowIdReusePolicy policy, bool afterSuccess, bool afterFailure) =>
        RunAsync(WorkerOptions(typeof(ErrorWorkflow)), async () =>
        {
            var (good, bad) = (Options(), Options());
            await Client.ExecuteWorkflowAsync((ErrorWorkflow w) => w.RunAsync(1), good);
            await Should.ThrowAsync<WorkflowFailedException>(() => Client.ExecuteWorkflowAsync((ErrorWorkflow w) => w.RunAsync(9), bad));
            foreach (var (options, allowed) in new[] { (good, afterSuccess), (bad, afterFailure) })
            {
                options.IdReusePolicy = policy;
                var again = () => Client.ExecuteWorkflowAsync((ErrorWorkflow w) => w.RunAsync(1), options);
                if (allowed)
                {
                    (await again()).ShouldBe(1);
                }
                else
                {
                    await Should.ThrowAsync<WorkflowAlreadyStartedException>(again);
                }
            }
        });

    [Fact]
    public async Task SignalWithStart_FollowsTheConflictPolicy()
    {
        var first = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("first"), Options());
        WorkflowOptions Again(WorkflowIdConflictPolicy policy)
        {
            var options = Options(first.Id);
            options.IdConflictPolicy = policy;
            options.SignalWithStart((MessageWorkflow w) => w.NoteAsync("hello"));
            return options;
        }

        var refused = await Should.ThrowAsync<RpcException>(() => Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("no"), Again(WorkflowIdConflictPolicy.Fail)));
        refused.Code.ShouldBe(RpcException.StatusCode.InvalidArgument);
        (await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("no"), Again(WorkflowIdConflictPolicy.UseExisting))).ResultRunId.ShouldBe(first.ResultRunId);
        var second = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("second"), Again(WorkflowIdConflictPolicy.TerminateExisting));
        second.ResultRunId.ShouldNotBe(first.ResultRunId);
        (await Client.GetWorkflowHandle(first.Id, first.ResultRunId).DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Terminated);
        await RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
        {
            (await second.QueryAsync(w => w.Log)).ShouldBe(["hello"]);
            (await second.QueryAsync(w => w.Name)).ShouldBe("second");
            await second.TerminateAsync();
        });
    }

    /// <summary>A second signal-with-start, an update and a cancellation end the delay; a plain signal waits for its end.</summary>
    [Theory]
    [InlineData("signal-with-start", true)]
    [InlineData("update", true)]
    [InlineData("cancel", true)]
    [InlineData("signal", false)]
    public Task StartDelay_EndsWithWhatCannotWait(string what, bool ends) => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var options = Options();
        options.StartDelay = TimeSpan.FromHours(1);
        options.SignalWithStart((MessageWorkflow w) => w.NoteAsync("first"));
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), options);
        await Task.Delay(300);
        (await HasAsync(handle, EventType.WorkflowTaskStarted)).ShouldBeFalse();
        switch (what)
        {
            case "signal-with-start":
                await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("no"), options);
                break;
            case "update":
                (await handle.ExecuteUpdateAsync(w => w.SteerAsync(new("is", 1)))).ShouldBe(3);
                break;
            case "cancel":
                await handle.CancelAsync();
                break;
            default:
                await handle.SignalAsync(w => w.NoteAsync("second"));
                await Task.Delay(1000);
                break;
        }
        if (ends)
        {
            await EventuallyAsync(() => HasAsync(handle, EventType.WorkflowTaskCompleted));
        }
        else
        {
            (await HasAsync(handle, EventType.WorkflowTaskStarted)).ShouldBeFalse();
        }
        if (what == "signal-with-start")
        {
            // What comes later does not wait for the delay's end either.
            await handle.SignalAsync(w => w.EndAsync());
            (await handle.GetResultAsync()).ShouldBe(2);
        }
        else if (what != "cancel")
        {
            await handle.TerminateAsync();
        }
    });

    [Fact]
    public Task Query_OfAClosedRun_IsAnsweredUnlessItIsToBeRejected() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        await handle.SignalAsync(w => w.NoteAsync("one"));
        await handle.SignalAsync(w => w.EndAsync());
        await handle.GetResultAsync();
        (await handle.QueryAsync(w => w.Log)).ShouldBe(["one"]);
        (await handle.QueryAsync(w => w.Log, new() { RejectCondition = QueryRejectCondition.NotCompletedCleanly })).ShouldBe(["one"]);
        var rejected = await Should.ThrowAsync<WorkflowQueryRejectedException>(
            () => handle.QueryAsync(w => w.Log, new() { RejectCondition = QueryRejectCondition.NotOpen }));
        rejected.WorkflowStatus.ShouldBe(WorkflowExecutionStatus.Completed);

        var terminated = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        await terminated.SignalAsync(w => w.NoteAsync("two"));
        (await terminated.QueryAsync(w => w.Log)).ShouldBe(["two"]);
        await terminated.TerminateAsync();
        (await terminated.QueryAsync(w => w.Log)).ShouldBe(["two"]);
        (await Should.ThrowAsync<WorkflowQueryRejectedException>(
            () => terminated.QueryAsync(w => w.Log, new() { RejectCondition = QueryRejectCondition.NotCompletedCleanly }))).WorkflowStatus.ShouldBe(WorkflowExecutionStatus.Terminated);
    });

    [Fact]
    public async Task Update_OfARunThatEnds_IsNotFoundOrFailed()
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        var unseen = handle.ExecuteUpdateAsync(w => w.SteerAsync(new("is", 1)));
        // Nothing tells whether the server has it.
        await Task.WhenAny(unseen, Task.Delay(TimeSpan.FromMilliseconds(500)));
        await handle.TerminateAsync();
        (await Should.ThrowAsync<RpcException>(() => unseen)).Code.ShouldBe(RpcException.StatusCode.NotFound);
        (await Should.ThrowAsync<RpcException>(() => handle.ExecuteUpdateAsync(w => w.SteerAsync(new("is", 1))))).Code.ShouldBe(RpcException.StatusCode.NotFound);
    }

    [Fact]
    public Task Update_Refused_MayBeSentAgainWithItsId() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.SteerAsync(new("is", 0)), new("mine")));
        (await handle.ExecuteUpdateAsync(w => w.SteerAsync(new("is", 1)), new("mine"))).ShouldBe(2);
        await handle.TerminateAsync();
    });

    [Theory]
    [InlineData(ChildWorkflowCancellationType.Abandon, "cancelled", false)]
    [InlineData(ChildWorkflowCancellationType.TryCancel, "cancelled", true)]
    [InlineData(ChildWorkflowCancellationType.WaitCancellationRequested, "cancelled", true)]
    [InlineData(ChildWorkflowCancellationType.WaitCancellationCompleted, "waits", true)]
    public Task CancellationOfAChild_WaitsAsItsTypeSays(ChildWorkflowCancellationType type, string outcome, bool told) =>
        RunAsync(WorkerOptions(typeof(ChildCancelingWorkflow), typeof(SlowlyCancelingWorkflow)), async () =>
        {
            var parent = await Client.StartWorkflowAsync((ChildCancelingWorkflow w) => w.RunAsync(type), Options());
            var child = Client.GetWorkflowHandle<SlowlyCancelingWorkflow>($"{parent.Id}/c");
            if (outcome == "cancelled")
            {
                (await parent.GetResultAsync()).ShouldBe("cancelled");
                (await child.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Running);
            }
            if (told)
            {
                await EventuallyAsync(async () => await HasAsync(parent, EventType.ChildWorkflowExecutionStarted) && await HasAsync(child, EventType.WorkflowExecutionCancelRequested));
            }
            (await child.QueryAsync(c => c.Canceling)).ShouldBe(told);
            (await parent.DescribeAsync()).Status.ShouldBe(outcome == "waits" ? WorkflowExecutionStatus.Running : WorkflowExecutionStatus.Completed);
            await child.SignalAsync(c => c.ReleaseAsync());
            (await parent.GetResultAsync()).ShouldBe("cancelled");
        });

    [Fact]
    public async Task TimeOut_ListedAsFinal_IsNotRetried()
    {
        var activities = new FailingActivities();
        await RunAsync(WorkerOptions(typeof(OnceWorkflow)).AddAllActivities(activities), async () =>
        {
            var failed = await Should.ThrowAsync<WorkflowFailedException>(() => Client.ExecuteWorkflowAsync((OnceWorkflow w) => w.RunAsync(), Options()));
            failed.InnerException.ShouldBeOfType<ActivityFailureException>().RetryState.ShouldBe(RetryState.NonRetryableFailure);
        });
        activities.Calls.ShouldBe(1);
    }

    private static async Task<bool> HasAsync(WorkflowHandle handle, EventType type) => (await handle.FetchHistoryAsync()).Events.Any(e => e.EventType == type);
}
