using Temporalio.Exceptions;
using Temporalio.Workflows;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Steering;

namespace XInstruct.Workflows.Training;

/// <summary>One training by a recipe of its own, one workflow a training: <c>xinstruct train</c>.</summary>
[Workflow]
public sealed class TrainingWorkflow : PausableWorkflow
{
    private readonly TuneInput _input;
    private CancellationTokenSource? _tuning;

    [WorkflowInit]
    public TrainingWorkflow(TuneInput input)
        : base("training") => _input = input;

    /// <summary>start, train, end or done.</summary>
    [WorkflowQuery]
    public string Phase { get; private set; } = "start";

    /// <summary>Whether the training is paused.</summary>
    [WorkflowQuery]
    public bool IsPaused => IsHeld;

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
        await EndHandlersAsync();
        return model;
    }

    private async Task<TunedModel> TuneAsync()
    {
        while (true)
        {
            await WaitWhileHeldAsync();
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

    /// <summary>Ends the training for now.</summary>
    protected override void Hold()
    {
        base.Hold();
        _tuning?.Cancel();
    }

    /// <inheritdoc/>
    protected override Task RecordAsync(RunSteered command)
    {
        var record = new TrainingSteeringInput(_input, command);
        return Workflow.ExecuteActivityAsync((ITuningActivities a) => a.RecordTrainingSteeringAsync(record), ActivityDefaults.Cpu);
    }
}
