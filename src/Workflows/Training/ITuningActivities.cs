using Temporalio.Activities;
using XInstruct.Domain.Runs;

namespace XInstruct.Workflows.Training;

/// <summary>Names a training and its recipe.</summary>
/// <param name="Training">Training id, which is the workflow id.</param>
/// <param name="Recipe">Hash of the canonical training recipe in the contents table.</param>
public sealed record TuneInput(string Training, string Recipe);

/// <summary>What a training came to.</summary>
/// <param name="Model">Hash of the file table of the result: a model folder, or an adapter's.</param>
/// <param name="Base">Hash of the file table of the model it started from.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="Loss">Mean loss of the last tenth of the steps.</param>
/// <param name="BestStep">Step whose weights the result has, when rows were held out.</param>
/// <param name="EvaluationLoss">Loss on the rows held out at that step.</param>
/// <param name="StoppedEarly">Whether it ended because that loss fell no more.</param>
public sealed record TunedModel(string Model, string Base, int Steps, long Tokens, double Loss, int? BestStep, double? EvaluationLoss, bool StoppedEarly);

/// <summary>Trains a model by a training recipe, with a stream of events of its own.</summary>
public interface ITuningActivities
{
    /// <summary>Writes TrainingStarted.</summary>
    [Activity]
    Task StartTrainingAsync(TuneInput input);

    /// <summary>Trains from the last checkpoint on, whichever worker made it, and stores the result.</summary>
    [Activity]
    Task<TunedModel> TuneAsync(TuneInput input);

    /// <summary>Writes ModelTrained and drops what only the training needed.</summary>
    [Activity]
    Task<TunedModel> EndTrainingAsync(EndTrainingInput input);

    /// <summary>Writes RunSteered.</summary>
    [Activity]
    Task RecordTrainingSteeringAsync(TrainingSteeringInput input);
}

/// <summary>A training's end.</summary>
public sealed record EndTrainingInput(TuneInput Training, TunedModel Model);

/// <summary>A steering command to record.</summary>
public sealed record TrainingSteeringInput(TuneInput Training, RunSteered Command);
