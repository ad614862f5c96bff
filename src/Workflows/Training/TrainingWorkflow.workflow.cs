using Temporalio.Exceptions;
using Temporalio.Workflows;
using XInstruct.Workflows.Steering;

namespace XInstruct.Workflows.Training;

/// <summary>One training by a recipe of its own, one workflow a training: <c>xinstruct train</c>.</summary>
[Workflow]
public sealed class TrainingWorkflow
{
    private readonly TuneInput _input;
    private readonly PausedParts _paused = new("training");
    private CancellationTokenSource? _tuning;

    [WorkflowInit]
    public TrainingWorkflow(TuneInput input) => _input = input;

    /// <summary>start, train, end or done.</summary>
    [WorkflowQuery]
    public string Phase { get; private set; } = "start";

    /// <summary>Whether the training is paused.</summary>
    [WorkflowQuery]
    public bool IsPaused => _paused.IsWhole;

    /// <summary>Ends the training for now; it goes on from its last checkpoint.</summary>
    [WorkflowUpdate]
    public Task PauseAsync(SteerInput input)
    {
        _paused.Pause(input.Part());
        _tuning?.Cancel();
        return RecordAsync("pause", input);
    }

    [WorkflowUpdateValidator(nameof(PauseAsync))]
    public void ValidatePause(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckPause(input);
    }

    /// <summary>Lets a paused training go on.</summary>
    [WorkflowUpdate]
    public Task ResumeAsync(SteerInput input)
    {
        _paused.Resume(input);
        return RecordAsync("resume", input);
    }

    [WorkflowUpdateValidator(nameof(ResumeAsync))]
    public void ValidateResume(SteerInput input)
    {
        _paused.CheckWhole(input);
        _paused.CheckResume(input);
    }

    [WorkflowRun]
    public async Task<TunedModel> RunAsync(TuneInput input)
    {
        await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.StartTrainingAsync(_input), ActivityDefaults.Cpu);
        Phase = "train";
        var tuned = await TuneAsync();
        Phase = "end";
        var end = new EndTrainingInput(_input, tuned);
        var model = await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.EndTrainingAsync(end), ActivityDefaults.Cpu);
        Phase = "done";
        if (!Workflow.AllHandlersFinished) await Workflow.WaitConditionAsync(() => Workflow.AllHandlersFinished);
        return model;
    }

    private async Task<TunedModel> TuneAsync()
    {
        while (true)
        {
            if (_paused.IsWhole) await Workflow.WaitConditionAsync(() => !_paused.IsWhole);
            using var tuning = CancellationTokenSource.CreateLinkedTokenSource(Workflow.CancellationToken);
            var options = ActivityDefaults.Gpu;
            options.CancellationToken = tuning.Token;
            // The next attempt writes the same checkpoints, so it waits until this one has really ended. Trainings that began before could not be paused.
            if (Workflow.Patched("pause")) options.CancellationType = ActivityCancellationType.WaitCancellationCompleted;
            _tuning = tuning;
            try
            {
                return await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.TuneAsync(_input), options);
            }
            catch (Exception e) when (tuning.IsCancellationRequested && !Workflow.CancellationToken.IsCancellationRequested && TemporalException.IsCanceledException(e))
            {
                // Paused: nothing is lost but the steps since the last checkpoint.
            }
            finally
            {
                _tuning = null;
            }
        }
    }

    private Task RecordAsync(string command, SteerInput input)
    {
        var record = new TrainingSteeringInput(_input, input.Event(command, new(null, null), Workflow.CurrentUpdateInfo?.Id));
        return Workflow.ExecuteActivityAsync((ITuningActivities a) => a.RecordTrainingSteeringAsync(record), ActivityDefaults.Cpu);
    }
}
