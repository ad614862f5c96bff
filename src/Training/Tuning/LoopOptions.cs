namespace XInstruct.Training.Tuning;

/// <summary>How a task is trained: with the task and the starting weights, all that determines the trained weights.</summary>
public sealed record LoopOptions
{
    /// <summary>The optimiser.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>How the learning rate falls.</summary>
    public Decay Decay { get; init; } = Decay.Cosine;

    /// <summary>Share of the steps in which the rate rises.</summary>
    public double WarmupShare { get; init; } = 0.1;

    /// <summary>The last rate as a share of the highest.</summary>
    public double RateFloor { get; init; }

    /// <summary>Steps between checkpoints; the last step has one too.</summary>
    public int CheckpointSteps { get; init; } = 100;

    /// <summary>Checkpoints that stay; at least one.</summary>
    public int KeptCheckpoints { get; init; } = 2;

    /// <summary>Steps between evaluations; 0 for none. The last step has one too.</summary>
    public int EvaluationSteps { get; init; }

    /// <summary>Evaluations in a row without a better loss after which training ends; 0 for never.</summary>
    public int Patience { get; init; }

    /// <summary>Fixes dropout.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of the tensor library; other counts give other bits.</summary>
    public int Threads { get; init; } = 1;
}

/// <summary>One step, as metrics.jsonl has it.</summary>
/// <param name="Step">Steps done, this one included.</param>
/// <param name="Loss">Loss of the step before the update, as it was trained on: nats a token, or the preference loss a pair.</param>
/// <param name="LearningRate">Rate in force.</param>
/// <param name="GradientNorm">L2 norm of all gradients before clipping; null when 16 bits overflowed and the step was passed over.</param>
/// <param name="Tokens">Tokens read so far.</param>
/// <param name="TokensPerSecond">Of this step.</param>
/// <param name="MemoryBytes">Resident memory of the process; an accelerator's own memory is not in it.</param>
/// <param name="Seconds">Time in steps so far, in all sittings.</param>
/// <param name="EvaluationLoss">Loss on the rows held out, when this step was evaluated.</param>
/// <param name="Measures">What a task measures beside: of preferences chosenReward, rejectedReward and accuracy.</param>
public sealed record StepMetrics(
    int Step,
    double Loss,
    double LearningRate,
    double? GradientNorm,
    long Tokens,
    double TokensPerSecond,
    long MemoryBytes,
    double Seconds,
    double? EvaluationLoss = null,
    IReadOnlyDictionary<string, double>? Measures = null);

/// <summary>Where training stands.</summary>
/// <param name="Metrics">The last step.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Left">Time left at the pace of this sitting.</param>
/// <param name="BestLoss">Best loss on the rows held out.</param>
public sealed record TuningProgress(StepMetrics Metrics, int Steps, TimeSpan Left, double? BestLoss);

/// <summary>A checkpoint on the disk.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Folder">Where it lies.</param>
/// <param name="Hash">SHA-256 of its state.json, which names the hash of every other file.</param>
/// <param name="Metrics">The last step before it.</param>
public sealed record SavedTuning(int Step, string Folder, string Hash, StepMetrics Metrics);

/// <summary>What training did.</summary>
/// <param name="Steps">Steps done.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="FirstLoss">Mean loss of the first tenth of the steps.</param>
/// <param name="LastLoss">Mean loss of the last tenth.</param>
/// <param name="BestStep">The evaluated step whose weights the model has now; null when nothing was evaluated: then it has the last ones.</param>
/// <param name="BestLoss">Its loss on the rows held out.</param>
/// <param name="StoppedEarly">Whether the loss on the rows held out had not fallen for too long.</param>
/// <param name="Metrics">Every step.</param>
public sealed record TuningReport(
    int Steps, long Tokens, double FirstLoss, double LastLoss, int? BestStep, double? BestLoss, bool StoppedEarly, IReadOnlyList<StepMetrics> Metrics);

/// <summary>Training did not fit into memory.</summary>
public sealed class TrainingMemoryException(int step, string advice, Exception inner)
    : Exception($"Out of memory at step {step}. {advice}", inner)
{
    /// <summary>Step that was under way, from 1.</summary>
    public int Step { get; } = step;
}
