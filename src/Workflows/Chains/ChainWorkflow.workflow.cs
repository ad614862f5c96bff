using Temporalio.Workflows;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Runs;
using XInstruct.Workflows.Steering;
using XInstruct.Workflows.Training;

namespace XInstruct.Workflows.Chains;

/// <summary>Where a chain is.</summary>
/// <param name="Step">start, a step, end or done.</param>
/// <param name="Number">Number of that step, from 1.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Workflow">Id of the workflow that does it; null between steps.</param>
/// <param name="IsPaused">Whether the next step is held back.</param>
public sealed record ChainState(string Step, int Number, int Steps, string? Workflow, bool IsPaused = false);

/// <summary>Data is made, curated, trained on and judged by what it brought: each step a workflow of its own, which is what it would be if it were started alone.</summary>
[Workflow]
public sealed class ChainWorkflow : PausableWorkflow
{
    private readonly ChainInput _input;
    private ChainState _state = new("start", 0, 0, null);

    [WorkflowInit]
    public ChainWorkflow(ChainInput input)
        : base("chain") => _input = input;

    /// <summary>Where the chain is.</summary>
    [WorkflowQuery]
    public ChainState Progress => _state with { IsPaused = IsHeld };

    [WorkflowRun]
    public async Task<string> RunAsync(ChainInput input)
    {
        var names = await Workflow.ExecuteActivityAsync((IChainActivities a) => a.StartChainAsync(_input), ActivityDefaults.Cpu);
        var done = new List<ChainStep>();
        foreach (var name in names)
        {
            await WaitWhileHeldAsync();
            _state = new ChainState(name, done.Count + 1, names.Count, null);
            var next = new ChainStepInput(_input, name, done);
            var step = await Workflow.ExecuteActivityAsync((IChainActivities a) => a.PrepareStepAsync(next), ActivityDefaults.Cpu);
            _state = _state with { Workflow = step.Run?.Run ?? step.Training?.Training ?? step.Job?.Job };
            await DoAsync(step);
            done.Add(step);
        }

        _state = new ChainState("end", names.Count, names.Count, null);
        var end = new ChainEndInput(_input, done);
        var result = await Workflow.ExecuteActivityAsync((IChainActivities a) => a.EndChainAsync(end), ActivityDefaults.Cpu);
        _state = _state with { Step = "done" };
        await EndHandlersAsync();
        return result;
    }

    /// <inheritdoc/>
    protected override Task RecordAsync(RunSteered command)
    {
        var record = new JobSteeringInput(new JobInput(_input.Chain, "chain", _input.Recipe), command);
        return Workflow.ExecuteActivityAsync((IJobActivities a) => a.RecordJobSteeringAsync(record), ActivityDefaults.Cpu);
    }

    private static Task DoAsync(ChainStep step)
    {
        if (step.Run is { } run) return Workflow.ExecuteChildWorkflowAsync((XInstructionWorkflow w) => w.RunAsync(run), new ChildWorkflowOptions { Id = run.Run });
        if (step.Training is { } training) return Workflow.ExecuteChildWorkflowAsync((TrainingWorkflow w) => w.RunAsync(training), new ChildWorkflowOptions { Id = training.Training });
        var job = new JobRun(step.Job!);
        return Workflow.ExecuteChildWorkflowAsync((JobWorkflow w) => w.RunAsync(job), new ChildWorkflowOptions { Id = job.Job.Job });
    }
}
