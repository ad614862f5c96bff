using Temporalio.Workflows;

namespace XInstruct.Workflows.Training;

/// <summary>One training by a recipe of its own, one workflow a training: <c>xinstruct train</c>.</summary>
[Workflow]
public sealed class TrainingWorkflow
{
    private readonly TuneInput _input;

    [WorkflowInit]
    public TrainingWorkflow(TuneInput input) => _input = input;

    /// <summary>start, train, end or done.</summary>
    [WorkflowQuery]
    public string Phase { get; private set; } = "start";

    [WorkflowRun]
    public async Task<TunedModel> RunAsync(TuneInput input)
    {
        await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.StartTrainingAsync(_input), ActivityDefaults.Cpu);
        Phase = "train";
        var tuned = await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.TuneAsync(_input), ActivityDefaults.Gpu);
        Phase = "end";
        var end = new EndTrainingInput(_input, tuned);
        var model = await Workflow.ExecuteActivityAsync((ITuningActivities a) => a.EndTrainingAsync(end), ActivityDefaults.Cpu);
        Phase = "done";
        return model;
    }
}
