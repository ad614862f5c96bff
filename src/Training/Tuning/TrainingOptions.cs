using System.ComponentModel.DataAnnotations;

namespace XInstruct.Training.Tuning;

/// <summary>How the losses of the micro-batches of one step are put together.</summary>
public enum AccumulationWeighting
{
    /// <summary>The mean of the micro-batches' mean losses.</summary>
    MicroBatchMeans,

    /// <summary>Each learnt token counts the same.</summary>
    Tokens,
}

/// <summary>The optimiser: AdamW (Loshchilov and Hutter 2019) with decoupled weight decay, and clipping by the global norm.</summary>
public sealed record OptimizerOptions
{
    /// <summary>The highest learning rate.</summary>
    [Range(0, 1)]
    public double LearningRate { get; init; } = 4e-3;

    /// <summary>Decay of the first moment.</summary>
    [Range(0, 0.99999)]
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the second moment.</summary>
    [Range(0, 0.99999)]
    public double Beta2 { get; init; } = 0.98;

    /// <summary>Added to the root of the second moment.</summary>
    [Range(0, 1)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay, times the learning rate at each step.</summary>
    [Range(0, 1)]
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>Whether vectors (norms, biases) are left out of weight decay.</summary>
    public bool DecayMatricesOnly { get; init; } = true;

    /// <summary>The largest norm of all gradients together; null does not clip.</summary>
    [Range(0, 1e6)]
    public double? ClipNorm { get; init; } = 1.0;

    /// <summary>How micro-batches are weighed.</summary>
    public AccumulationWeighting Weighting { get; init; } = AccumulationWeighting.MicroBatchMeans;

    /// <summary>Share of the target's probability that is spread evenly over the vocabulary (Szegedy et al. 2016).</summary>
    [Range(0, 0.99)]
    public double LabelSmoothing { get; init; }
}

/// <summary>Supervised training: everything that, with the examples and the starting weights, determines the trained weights.</summary>
public sealed record TrainingOptions
{
    /// <summary>How long it lasts.</summary>
    public StepBudget Budget { get; init; } = StepBudget.Passes(3);

    /// <summary>Rows times longest row of a batch, at most; a longer single row is a batch of its own.</summary>
    [Range(1, 1 << 22)]
    public int BatchTokens { get; init; } = 512;

    /// <summary>Micro-batches of one optimisation step.</summary>
    [Range(1, 4096)]
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>The longest sequence; the text part, then the prompt's start, is cut to fit.</summary>
    [Range(2, 1 << 20)]
    public int MaxTokens { get; init; } = 2048;

    /// <summary>The optimiser.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>How the learning rate falls.</summary>
    public Decay Decay { get; init; } = Decay.Cosine;

    /// <summary>Share of the steps in which the rate rises.</summary>
    [Range(0, 1)]
    public double WarmupShare { get; init; } = 0.1;

    /// <summary>The last rate as a share of the highest.</summary>
    [Range(0, 1)]
    public double RateFloor { get; init; } = 0.05;

    /// <summary>Whether only completions are learnt, or prompts too.</summary>
    public bool CompletionsOnly { get; init; } = true;

    /// <summary>Noise on the text part of prompts; null for none.</summary>
    public InputNoise? Noise { get; init; }

    /// <summary>Fixes order, noise and dropout.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Threads of the tensor library; other counts give other bits.</summary>
    [Range(1, 1024)]
    public int Threads { get; init; } = 1;
}

/// <summary>Where training stands.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Loss">Loss of the last step, in nats a token.</param>
/// <param name="LearningRate">Rate of the last step.</param>
/// <param name="TokensPerSecond">Tokens (without padding) a second since the start.</param>
public sealed record TrainingProgress(int Step, int Steps, double Loss, double LearningRate, double TokensPerSecond);

/// <summary>What training did.</summary>
/// <param name="Steps">Optimisation steps.</param>
/// <param name="Tokens">Tokens read, without padding.</param>
/// <param name="LearntTokens">Tokens in the loss.</param>
/// <param name="FirstLoss">Mean loss of the first tenth of the steps, in nats a token.</param>
/// <param name="LastLoss">Mean loss of the last tenth.</param>
/// <param name="Seconds">Wall time.</param>
public sealed record TrainingReport(int Steps, long Tokens, long LearntTokens, double FirstLoss, double LastLoss, double Seconds);
