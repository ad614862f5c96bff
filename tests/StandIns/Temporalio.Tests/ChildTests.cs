using Temporalio.Api.Enums.V1;
using Temporalio.Client;
using Temporalio.Exceptions;
using Temporalio.Workflows;

namespace Temporalio.Tests;

[Workflow]
public class ChildWorkflow
{
    private string? word;

    [WorkflowRun]
    public async Task<string> RunAsync(string how)
    {
        switch (how)
        {
            case "fail":
                throw new ApplicationFailureException("child failed", "ChildError");
            case "wait":
                await Workflow.WaitConditionAsync(() => word != null);
                return $"{word} from {Workflow.Info.Parent?.WorkflowId}";
            case "again":
                await Workflow.DelayAsync(1);
                throw Workflow.CreateContinueAsNewException((ChildWorkflow w) => w.RunAsync("ok"));
            default:
                return how;
        }
    }

    [WorkflowSignal]
    public Task TellAsync(string text)
    {
        word = text;
        return Task.CompletedTask;
    }
}

[Workflow]
public class ParentWorkflow
{
    [WorkflowRun]
    public async Task<string> RunAsync(string how)
    {
        var id = Workflow.Info.WorkflowId;
        switch (how)
        {
            case "many":
                var results = await Workflow.WhenAllAsync(new[] { "a", "b", "again" }.Select(h =>
                    Workflow.ExecuteChildWorkflowAsync((ChildWorkflow c) => c.RunAsync(h), new() { Id = $"{id}/{h}" })));
                return string.Join(",", results);
            case "fail":
                return await Workflow.ExecuteChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("fail"), new() { Id = $"{id}/c" });
            case "signal":
                var child = await Workflow.StartChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("wait"), new() { Id = $"{id}/c" });
                await child.SignalAsync(c => c.TellAsync("hello"));
                return await child.GetResultAsync();
            case "external":
                await Workflow.GetExternalWorkflowHandle<ChildWorkflow>($"{id}/other").SignalAsync(c => c.TellAsync("outside"));
                try
                {
                    await Workflow.GetExternalWorkflowHandle($"{id}/missing").CancelAsync();
                }
                catch (FailureException)
                {
                    return "told";
                }
                return "?";
            case "cancel":
                return await Workflow.ExecuteChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("wait"), new() { Id = $"{id}/c" });
            case "twice":
                await Workflow.StartChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("wait"), new() { Id = $"{id}/c" });
                try
                {
                    await Workflow.StartChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("wait"), new() { Id = $"{id}/c" });
                }
                catch (WorkflowAlreadyStartedException e)
                {
                    return e.WorkflowId;
                }
                return "?";
            default:
                await Workflow.StartChildWorkflowAsync((ChildWorkflow c) => c.RunAsync("wait"), new()
                {
                    Id = $"{id}/c",
                    ParentClosePolicy = Enum.Parse<ParentClosePolicy>(how),
                });
                return how;
        }
    }
}

public sealed class ChildTests(EnvironmentFixture fixture) : WorkflowTest(fixture)
{
    [Theory]
    [InlineData("many", "a,b,ok")]
    [InlineData("signal", "hello from {id}")]
    [InlineData("twice", "{id}/c")]
    public Task Children_GiveResults(string how, string expected) => RunAsync(Both, async () =>
    {
        var options = Options();
        (await Client.ExecuteWorkflowAsync((ParentWorkflow w) => w.RunAsync(how), options)).ShouldBe(expected.Replace("{id}", options.Id));
    });

    [Fact]
    public Task Child_ThatFails_FailsItsParent() => RunAsync(Both, async () =>
    {
        var options = Options();
        var failure = await Should.ThrowAsync<WorkflowFailedException>(
            () => Client.ExecuteWorkflowAsync((ParentWorkflow w) => w.RunAsync("fail"), options));
        var child = failure.InnerException.ShouldBeOfType<ChildWorkflowFailureException>();
        child.WorkflowId.ShouldBe($"{options.Id}/c");
        child.WorkflowType.ShouldBe(nameof(ChildWorkflow));
        child.InnerException.ShouldBeOfType<ApplicationFailureException>().ErrorType.ShouldBe("ChildError");
    });

    [Fact]
    public Task External_SignalAndCancel_ReachOrFail() => RunAsync(Both, async () =>
    {
        var options = Options();
        var other = await Client.StartWorkflowAsync((ChildWorkflow w) => w.RunAsync("wait"), Options($"{options.Id}/other"));
        (await Client.ExecuteWorkflowAsync((ParentWorkflow w) => w.RunAsync("external"), options)).ShouldBe("told");
        (await other.GetResultAsync()).ShouldBe("outside from ");
    });

    [Fact]
    public Task Cancel_OfParent_CancelsChild() => RunAsync(Both, async () =>
    {
        var parent = await Client.StartWorkflowAsync((ParentWorkflow w) => w.RunAsync("cancel"), Options());
        var child = Client.GetWorkflowHandle($"{parent.Id}/c");
        await EventuallyAsync(() => ExistsAsync(child));
        await parent.CancelAsync();
        (await Should.ThrowAsync<WorkflowFailedException>(() => parent.GetResultAsync())).InnerException.ShouldBeOfType<CanceledFailureException>();
        (await child.DescribeAsync()).Status.ShouldBe(WorkflowExecutionStatus.Canceled);
    });

    [Theory]
    [InlineData("Terminate", WorkflowExecutionStatus.Terminated)]
    [InlineData("RequestCancel", WorkflowExecutionStatus.Canceled)]
    [InlineData("Abandon", WorkflowExecutionStatus.Running)]
    public Task ParentClosePolicy_DecidesTheChildsFate(string policy, WorkflowExecutionStatus expected) => RunAsync(Both, async () =>
    {
        var options = Options();
        await Client.ExecuteWorkflowAsync((ParentWorkflow w) => w.RunAsync(policy), options);
        var child = Client.GetWorkflowHandle($"{options.Id}/c");
        await EventuallyAsync(async () => (await child.DescribeAsync()).Status == expected);
        (await child.DescribeAsync()).ParentId.ShouldBe(options.Id);
        if (expected == WorkflowExecutionStatus.Running)
        {
            await child.TerminateAsync();
        }
    });

    private Worker.TemporalWorkerOptions Both => WorkerOptions(typeof(ParentWorkflow), typeof(ChildWorkflow));

    private static async Task<bool> ExistsAsync(WorkflowHandle handle)
    {
        try
        {
            await handle.DescribeAsync();
            return true;
        }
        catch (RpcException e) when (e.Code == RpcException.StatusCode.NotFound)
        {
            return false;
        }
    }
}
