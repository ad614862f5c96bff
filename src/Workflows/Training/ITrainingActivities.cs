using Temporalio.Activities;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Workflows.Training;

/// <summary>What a checkpoint is for.</summary>
public enum ModelRole
{
    /// <summary>Text to instruction.</summary>
    Generator,

    /// <summary>A generator that saw only one fold of the seeds; writes the evaluator's middling examples.</summary>
    Fold,

    /// <summary>Pair to level.</summary>
    Evaluator,

    /// <summary>Instruction to text, trained on the release.</summary>
    Student,
}

/// <summary>Names a training.</summary>
/// <param name="Index">Number of the generator or fold.</param>
/// <param name="Iteration">Iteration whose kept samples it may learn from.</param>
/// <param name="Tokenizer">Checkpoint of the run's tokenizer, when models start from random weights.</param>
/// <param name="Helpers">Checkpoints that write training data (the fold generators, for the evaluator).</param>
public sealed record TrainInput(
    RunInput Run, ModelRole Role, int Index, int Iteration, string? Tokenizer, IReadOnlyList<ModelRef> Helpers);

/// <summary>A checkpoint, new or reused.</summary>
/// <param name="Initial">Checkpoint it started from; for random weights, those weights.</param>
public sealed record TrainedModel(string Checkpoint, string? Initial, int Steps, long Tokens, double? Loss);

/// <summary>Trains local models. A training's key is the hash of all that decides it; the same key is never trained twice.</summary>
public interface ITrainingActivities
{
    /// <summary>Trains the byte-level BPE tokenizer on seeds and corpus.</summary>
    [Activity]
    Task<TrainedModel> TrainTokenizerAsync(RunInput input);

    /// <summary>Trains one model and commits its checkpoint.</summary>
    [Activity]
    Task<TrainedModel> TrainModelAsync(TrainInput input);
}
