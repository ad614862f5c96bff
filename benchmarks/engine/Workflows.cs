#pragma warning disable CA1822 // A workflow is an object.
using Temporalio.Activities;
using Temporalio.Workflows;

namespace XInstruct.Benchmarks.Engine;

public static class Activities
{
    [Activity]
    public static int Count(int number) => number + 1;
}

/// <summary>One workflow task.</summary>
[Workflow]
public sealed class EmptyWorkflow
{
    [WorkflowRun]
    public Task RunAsync() => Task.CompletedTask;
}

/// <summary>Activities one after the other: a workflow task each, and one for the start.</summary>
[Workflow]
public sealed class ChainWorkflow
{
    [WorkflowRun]
    public async Task<int> RunAsync(int length)
    {
        var number = 0;
        while (number < length)
        {
            number = await Workflow.ExecuteActivityAsync(() => Activities.Count(number), new() { StartToCloseTimeout = TimeSpan.FromMinutes(5) });
        }

        return number;
    }
}

/// <summary>Answers updates until it is told to end.</summary>
[Workflow]
public sealed class AnsweringWorkflow
{
    private bool _done;

    [WorkflowRun]
    public Task RunAsync() => Workflow.WaitConditionAsync(() => _done);

    [WorkflowUpdate]
    public Task<int> AnswerAsync(int number) => Task.FromResult(number + 1);

    [WorkflowSignal]
    public Task EndAsync()
    {
        _done = true;
        return Task.CompletedTask;
    }
}
