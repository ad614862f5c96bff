using Temporalio.Workflows;
using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Steering;

/// <summary>What is paused and resumed as a whole: a job, a chain, a training. Each is recorded with who and why.</summary>
/// <param name="what">Its name in sentences.</param>
public abstract class PausableWorkflow(string what)
{
    private readonly PausedParts _paused = new(what);

    /// <summary>Whether new work is held back.</summary>
    protected bool IsHeld => _paused.IsWhole;

    /// <summary>Holds back new work; what has begun ends, but for a training, which goes on from its last checkpoint.</summary>
    [WorkflowUpdate]
    public Task PauseAsync(SteerInput input)
    {
        Hold();
        return RecordAsync(Event("pause", input));
    }

    [WorkflowUpdateValidator(nameof(PauseAsync))]
    public void ValidatePause(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckPause(input);
    }

    /// <summary>Lets what was paused go on.</summary>
    [WorkflowUpdate]
    public Task ResumeAsync(SteerInput input)
    {
        _paused.Resume(input);
        return RecordAsync(Event("resume", input));
    }

    [WorkflowUpdateValidator(nameof(ResumeAsync))]
    public void ValidateResume(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckResume(input);
    }

    /// <summary>Holds back new work from now on.</summary>
    protected virtual void Hold() => _paused.Pause(RunPart.Whole);

    /// <summary>Writes an intervention down.</summary>
    protected abstract Task RecordAsync(RunSteered command);

    /// <summary>Waits until nothing is held back.</summary>
    protected async Task WaitWhileHeldAsync()
    {
        if (IsHeld) await Workflow.WaitConditionAsync(() => !IsHeld);
    }

    /// <summary>Waits until every intervention is written down: a workflow that ends would cut it off.</summary>
    protected static async Task EndHandlersAsync()
    {
        if (!Workflow.AllHandlersFinished) await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
    }

    private static RunSteered Event(string command, SteerInput input) => input.Event(command, RunPart.Whole, Workflow.CurrentUpdateInfo?.Id);
}
