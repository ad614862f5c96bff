using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Common;
using Temporalio.Exceptions;
using Temporalio.Worker;
using Temporalio.Workflows;

namespace Temporalio.Tests;

/// <summary>One workflow type in several shapes, as code changes over time.</summary>
public static class Versions
{
    private static readonly ActivityOptions Call = new() { StartToCloseTimeout = TimeSpan.FromSeconds(20) };

    [Workflow("Versioned")]
    public class One
    {
        private bool done;

        [WorkflowRun]
        public async Task<string> RunAsync()
        {
            await Workflow.DelayAsync(1);
            await Workflow.WaitConditionAsync(() => done);
            return "one";
        }

        [WorkflowSignal]
        public Task EndAsync()
        {
            done = true;
            return Task.CompletedTask;
        }
    }

    [Workflow("Versioned")]
    public class Incompatible
    {
        [WorkflowRun]
        public async Task<string> RunAsync()
        {
            await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(1, 1), Call);
            return "incompatible";
        }

        [WorkflowSignal]
        public Task EndAsync() => Task.CompletedTask;
    }

    [Workflow("Versioned")]
    public class Patched
    {
        private bool done;

        [WorkflowRun]
        public async Task<string> RunAsync()
        {
            if (Workflow.Patched("with-activity"))
            {
                await Workflow.ExecuteActivityAsync((GreetingActivities a) => a.Add(1, 1), Call);
            }
            else
            {
                await Workflow.DelayAsync(1);
            }
            await Workflow.WaitConditionAsync(() => done);
            return Workflow.Patched("with-activity") ? "new" : "old";
        }

        [WorkflowSignal]
        public Task EndAsync()
        {
            done = true;
            return Task.CompletedTask;
        }
    }
}

[Workflow]
public class MisbehavingWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(string how)
    {
        switch (how)
        {
            case "run":
                await Task.Run(() => { });
                break;
            case "delay":
                await Task.Delay(1);
                break;
            case "timer":
                using (var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(20)))
                {
                    await Workflow.WaitConditionAsync(() => false, source.Token);
                }
                break;
            case "block":
                await Task.CompletedTask;
                Thread.Sleep(Timeout.Infinite);
                break;
            default:
                throw new InvalidOperationException("not a failure exception");
        }
        return "?";
    }
}

[Workflow(FailureExceptionTypes = [typeof(InvalidOperationException)])]
public class DeclaredFailureWorkflow
{
    [WorkflowRun]
    public Task RunAsync() => throw new InvalidOperationException("declared");
}

[Workflow("Mended")]
public class BrokenWorkflow
{
    [WorkflowRun]
    public Task<string> RunAsync() => throw new InvalidCastException("a bug");
}

[Workflow("Mended")]
public class MendedWorkflow
{
    [WorkflowRun]
    public Task<string> RunAsync() => Task.FromResult("mended");
}

public sealed class DeterminismTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public async Task ChangedCode_FailsTheTaskUntilItIsChangedBack()
    {
        var handle = await Client.StartWorkflowAsync((Versions.One w) => w.RunAsync(), Options());
        await RunAsync(WorkerOptions(typeof(Versions.One)), () => EventuallyAsync(async () => await HasAsync(handle, EventType.TimerFired) > 0));
        await RunAsync(WorkerOptions(typeof(Versions.Incompatible)), async () =>
        {
            await handle.SignalAsync(w => w.EndAsync());
            await EventuallyAsync(async () => await HasAsync(handle, EventType.WorkflowTaskFailed) > 0);
            (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Running);
        });
        await RunAsync(WorkerOptions(typeof(Versions.One)), async () => (await handle.GetResultAsync()).ShouldBe("one"));
    }

    [Fact]
    public async Task Replayer_FindsIncompatibleCode()
    {
        var handle = await Client.StartWorkflowAsync((Versions.One w) => w.RunAsync(), Options());
        await RunAsync(WorkerOptions(typeof(Versions.One)), async () =>
        {
            await handle.SignalAsync(w => w.EndAsync());
            (await handle.GetResultAsync()).ShouldBe("one");
        });
        var fetched = await handle.FetchHistoryAsync();
        var history = WorkflowHistory.FromJson(fetched.Id, fetched.ToJson());
        history.Events.Select(e => (e.EventId, e.EventType)).ShouldBe(fetched.Events.Select(e => (e.EventId, e.EventType)));

        await ReplayAsync<Versions.One>(history);
        await ReplayAsync<Versions.Patched>(history);
        await Should.ThrowAsync<WorkflowNondeterminismException>(() => ReplayAsync<Versions.Incompatible>(history));
        var result = await new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<Versions.Incompatible>())
            .ReplayWorkflowAsync(history, throwOnReplayFailure: false);
        result.ReplayFailure.ShouldBeOfType<WorkflowNondeterminismException>();
    }

    [Fact]
    public async Task Patched_OldRunsStayOld_NewRunsAreNew()
    {
        var old = await Client.StartWorkflowAsync((Versions.One w) => w.RunAsync(), Options());
        await RunAsync(WorkerOptions(typeof(Versions.One)), () => EventuallyAsync(async () => await HasAsync(old, EventType.TimerFired) > 0));
        await RunAsync(WorkerOptions(typeof(Versions.Patched)).AddAllActivities(new GreetingActivities()), async () =>
        {
            var young = await Client.StartWorkflowAsync((Versions.Patched w) => w.RunAsync(), Options());
            await young.SignalAsync(w => w.EndAsync());
            (await young.GetResultAsync()).ShouldBe("new");
            await old.SignalAsync(w => w.EndAsync());
            (await old.GetResultAsync()).ShouldBe("old");
            await ReplayAsync<Versions.Patched>(await young.FetchHistoryAsync());
        });
    }

    [Theory]
    [InlineData("run")]
    [InlineData("delay")]
    [InlineData("timer")]
    [InlineData("throw")]
    [InlineData("block")]
    public Task Misbehaviour_FailsTheTask_NotTheWorkflow(string how) => RunAsync(WorkerOptions(typeof(MisbehavingWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MisbehavingWorkflow w) => w.RunAsync(how), Options());
        await EventuallyAsync(async () => await HasAsync(handle, EventType.WorkflowTaskFailed) > 0);
        (await handle.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Running);
        await handle.TerminateAsync();
    });

    [Fact]
    public async Task BrokenCode_WaitsUntilItIsMended()
    {
        var handle = await Client.StartWorkflowAsync((BrokenWorkflow w) => w.RunAsync(), Options());
        await RunAsync(WorkerOptions(typeof(BrokenWorkflow)), () => EventuallyAsync(async () => await HasAsync(handle, EventType.WorkflowTaskFailed) > 0));
        await RunAsync(WorkerOptions(typeof(MendedWorkflow)), async () => (await handle.GetResultAsync()).ShouldBe("mended"));
    }

    [Fact]
    public Task DeclaredFailureType_FailsTheWorkflow() => RunAsync(WorkerOptions(typeof(DeclaredFailureWorkflow)), async () =>
    {
        var failure = await Should.ThrowAsync<WorkflowFailedException>(
            () => Client.ExecuteWorkflowAsync((DeclaredFailureWorkflow w) => w.RunAsync(), Options()));
        failure.InnerException.ShouldBeOfType<ApplicationFailureException>().ErrorType.ShouldBe("InvalidOperationException");
    });

    private static Task<WorkflowReplayResult> ReplayAsync<T>(WorkflowHistory history) =>
        new WorkflowReplayer(new WorkflowReplayerOptions().AddWorkflow<T>()).ReplayWorkflowAsync(history);

    private static async Task<int> HasAsync(WorkflowHandle handle, EventType type) =>
        (await handle.FetchHistoryAsync()).Events.Count(e => e.EventType == type);
}
