using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

public sealed record Steering(string Language, int Concurrency);

[Workflow]
public class MessageWorkflow
{
    private readonly List<string> log = [];
    private readonly Temporalio.Workflows.Mutex mutex;
    private bool done;

    [WorkflowInit]
    public MessageWorkflow(string name)
    {
        mutex = new();
        Name = name;
    }

    [WorkflowQuery]
    public string Name { get; }

    [WorkflowQuery]
    public IReadOnlyList<string> Log => log;

    [WorkflowRun]
    public async Task<int> RunAsync(string name)
    {
        await Workflow.WaitConditionAsync(() => done && Workflow.AllHandlersFinished);
        return log.Count;
    }

    [WorkflowSignal]
    public Task NoteAsync(string text)
    {
        log.Add(text);
        return Task.CompletedTask;
    }

    [WorkflowSignal("finish")]
    public Task EndAsync()
    {
        done = true;
        return Task.CompletedTask;
    }

    [WorkflowQuery]
    public string At(int index) => log[index];

    [WorkflowUpdate]
    public async Task<int> SteerAsync(Steering steering)
    {
        await mutex.WaitOneAsync();
        try
        {
            log.Add($"{steering.Language} begins");
            await Workflow.DelayAsync(20);
            log.Add($"{steering.Language} {steering.Concurrency}");
            return log.Count;
        }
        finally
        {
            mutex.ReleaseMutex();
        }
    }

    [WorkflowUpdateValidator(nameof(SteerAsync))]
    public void CheckSteering(Steering steering)
    {
        if (steering.Concurrency < 1)
        {
            throw new ApplicationFailureException($"Concurrency of {steering.Language} must be at least 1");
        }
    }

    [WorkflowUpdate]
    public Task FailAsync(string why) => throw new ApplicationFailureException(why, "Refused");
}

public sealed class MessageTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Fact]
    public Task SignalsAndQueries_InOrder_AreSeen() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        await handle.SignalAsync(w => w.NoteAsync("one"));
        await handle.SignalAsync("Note", ["two"]);
        (await handle.QueryAsync(w => w.Log)).ShouldBe(["one", "two"]);
        (await handle.QueryAsync(w => w.At(1))).ShouldBe("two");
        (await handle.QueryAsync<string>("Name", [])).ShouldBe("is");
        await handle.SignalAsync(w => w.EndAsync());
        (await handle.GetResultAsync()).ShouldBe(2);
        (await handle.QueryAsync(w => w.Log)).ShouldBe(["one", "two"]);
    });

    [Fact]
    public async Task Query_NobodyAnswersInItsTime_IsDeadlineExceededAndNoCancellation()
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("waits"), new($"wf-{Guid.NewGuid()}", $"nobody-{Guid.NewGuid()}"));
        var options = new WorkflowQueryOptions { Rpc = new() { Timeout = TimeSpan.FromMilliseconds(300) } };
        var error = await Should.ThrowAsync<RpcException>(() => handle.QueryAsync(w => w.Log, options));
        error.Code.ShouldBeOneOf(RpcException.StatusCode.DeadlineExceeded, RpcException.StatusCode.Cancelled);
        using var stop = new CancellationTokenSource(300);
        options.Rpc = new() { CancellationToken = stop.Token };
        await Should.ThrowAsync<OperationCanceledException>(() => handle.QueryAsync(w => w.Log, options));
    }

    [Fact]
    public async Task Query_TakenByAWorkerThatDidNotLearnOfIt_IsAnswered()
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        var answer = handle.QueryAsync<string>("Name", []);
        await EventuallyAsync(EnvironmentFixture.TakeQueriesAsync);
        await RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () => (await answer).ShouldBe("is"));
    }

    [Fact]
    public async Task GetResult_NotThereInItsTime_IsDeadlineExceededAndNoCancellation()
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("waits"), new($"wf-{Guid.NewGuid()}", $"nobody-{Guid.NewGuid()}"));
        var error = await Should.ThrowAsync<RpcException>(() => handle.GetResultAsync(rpcOptions: new() { Timeout = TimeSpan.FromMilliseconds(300) }));
        error.Code.ShouldBe(RpcException.StatusCode.DeadlineExceeded);
        using var stop = new CancellationTokenSource(300);
        await Should.ThrowAsync<OperationCanceledException>(() => handle.GetResultAsync(rpcOptions: new() { CancellationToken = stop.Token }));
    }

    [Fact]
    public Task Query_ThatThrowsOrIsUnknown_Fails() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        (await Should.ThrowAsync<WorkflowQueryFailedException>(() => handle.QueryAsync<string>("Nothing", []))).Message.ShouldContain("Nothing");
        await Should.ThrowAsync<WorkflowQueryFailedException>(() => handle.QueryAsync(w => w.At(5)));
        await handle.TerminateAsync();
    });

    [Fact]
    public Task Update_Concurrent_WaitForEachOther() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        var counts = await Task.WhenAll(Enumerable.Range(1, 3).Select(i => handle.ExecuteUpdateAsync(w => w.SteerAsync(new("l" + i, i)))));
        counts.Order().ShouldBe([2, 4, 6]);
        var log = await handle.QueryAsync(w => w.Log);
        for (var i = 0; i < 6; i += 2)
        {
            log[i].ShouldEndWith(" begins");
            log[i + 1][..2].ShouldBe(log[i][..2]);
        }
        await handle.SignalAsync(w => w.EndAsync());
        (await handle.GetResultAsync()).ShouldBe(6);
    });

    [Fact]
    public Task Update_RefusedByValidator_LeavesNoTrace() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        (await handle.QueryAsync(w => w.Log)).ShouldBeEmpty();
        var before = (await handle.FetchHistoryAsync()).Events.Count;
        var refused = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.SteerAsync(new("fo", 0))));
        refused.InnerException.ShouldBeOfType<ApplicationFailureException>().Message.ShouldBe("Concurrency of fo must be at least 1");
        (await handle.FetchHistoryAsync()).Events.Count.ShouldBe(before);
        var failed = await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync(w => w.FailAsync("no")));
        failed.InnerException.ShouldBeOfType<ApplicationFailureException>().ErrorType.ShouldBe("Refused");
        await Should.ThrowAsync<WorkflowUpdateFailedException>(() => handle.ExecuteUpdateAsync("Unknown", []));
        (await handle.QueryAsync(w => w.Log)).ShouldBeEmpty();
        await handle.SignalAsync(w => w.EndAsync());
        await handle.GetResultAsync();
    });

    [Fact]
    public Task Update_SameId_RunsOnce() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), Options());
        var started = await handle.StartUpdateAsync(w => w.SteerAsync(new("se", 1)), new("once", WorkflowUpdateStage.Accepted));
        (await handle.ExecuteUpdateAsync(w => w.SteerAsync(new("se", 1)), new("once"))).ShouldBe(2);
        (await started.GetResultAsync()).ShouldBe(2);
        (await handle.GetUpdateHandle<int>("once").GetResultAsync()).ShouldBe(2);
        (await handle.QueryAsync(w => w.Log)).Count.ShouldBe(2);
        await handle.TerminateAsync();
    });

    [Fact]
    public Task SignalWithStart_HandlerRunsBeforeMain() => RunAsync(WorkerOptions(typeof(MessageWorkflow)), async () =>
    {
        var options = Options();
        options.SignalWithStart((MessageWorkflow w) => w.NoteAsync("first"));
        var handle = await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), options);
        var again = Options(handle.Id);
        again.SignalWithStart((MessageWorkflow w) => w.EndAsync());
        (await Client.StartWorkflowAsync((MessageWorkflow w) => w.RunAsync("is"), again)).ResultRunId.ShouldBe(handle.ResultRunId);
        (await handle.GetResultAsync()).ShouldBe(1);
    });

    [Fact]
    public async Task Signal_ToNobody_IsNotFound()
    {
        var missing = Client.GetWorkflowHandle<MessageWorkflow>("missing-" + Queue);
        (await Should.ThrowAsync<RpcException>(() => missing.SignalAsync(w => w.EndAsync()))).Code.ShouldBe(RpcException.StatusCode.NotFound);
        (await Should.ThrowAsync<RpcException>(() => missing.DescribeAsync())).Code.ShouldBe(RpcException.StatusCode.NotFound);
    }
}
