using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Reports;

/// <summary>What a run came to, as <c>--json</c> prints it. Member names are part of the interface for scripts.</summary>
public sealed record RunReport(
    string Run,
    string Status,
    IReadOnlyList<string> Languages,
    SampleCounts Samples,
    IReadOnlyList<IterationReport> Iterations,
    ReleaseReport? Release,
    ModelReport? Model,
    EvaluationReport? Evaluation,
    Ledger Ledger,
    double Seconds,
    IReadOnlyDictionary<string, string> Packages)
{
    /// <summary>How language identification was done, by language: profile or script.</summary>
    public IReadOnlyDictionary<string, string>? LanguageCheck { get; init; }

    /// <summary>What is wrong with the recipe's truth, and why precision and accuracy may be missing.</summary>
    public IReadOnlyList<RecipeProblem> Warnings { get; init; } = [];

    /// <summary>Why it does not go on; empty when it does, or has ended well.</summary>
    public IReadOnlyList<Obstacle> Waits { get; init; } = [];

    /// <summary>Rejected rows by reason.</summary>
    public IReadOnlyDictionary<string, long>? Rejections { get; init; }

    /// <summary>Trainings of the run, in the order in which they were recorded.</summary>
    public IReadOnlyList<TrainingReport> Training { get; init; } = [];

    /// <summary>What needs no model reaches on the same texts, when there is a truth.</summary>
    public BaselineReport? Baselines { get; init; }

    /// <summary>How the truth says the rejections went, when there is a truth.</summary>
    public IReadOnlyList<ScreeningReport>? Screening { get; init; }

    /// <summary>Pauses that hold: of which part, who and why; null when there is none.</summary>
    public IReadOnlyList<RunSteered>? Paused { get; init; }

    /// <summary>All interventions in their order; null when there is none.</summary>
    public IReadOnlyList<RunSteered>? Steered { get; init; }
}

/// <summary>Counts over all languages.</summary>
public sealed record SampleCounts(long Texts, long Rejected, long Kept, long Selected);

/// <summary>One iteration. Precision and accuracy are null without a truth; both are compared after the fact.</summary>
/// <param name="Precision">Right among kept.</param>
/// <param name="Accuracy">Right among all accepted texts.</param>
/// <param name="Levels">Rated pairs by level 0, 1, 2.</param>
public sealed record IterationReport(int Iteration, int Rated, int Kept, double? Precision, double? Accuracy, IReadOnlyList<int> Levels)
{
    /// <summary>The same per language.</summary>
    public IReadOnlyList<LanguageIterationReport> Languages { get; init; } = [];
}

/// <summary>One language in an iteration.</summary>
public sealed record LanguageIterationReport(string Language, int Rated, int Kept, double? Precision, double? Accuracy);

/// <summary>One training.</summary>
/// <param name="Role">Role of the model, and its number where there are several.</param>
/// <param name="Steps">Optimisation steps.</param>
/// <param name="Tokens">Tokens trained on, without padding.</param>
/// <param name="Loss">Mean loss of the last steps, nats a token.</param>
public sealed record TrainingReport(string Role, int Steps, long Tokens, double? Loss);

/// <summary>Accuracy of what needs no model, over all languages, to read an iteration's accuracy beside.</summary>
/// <param name="Chance">The instruction of a seed drawn at random.</param>
/// <param name="NaiveBayes">Naive Bayes over character n-grams, learnt from the same seeds, for each field of the truth.</param>
public sealed record BaselineReport(double Chance, double NaiveBayes, IReadOnlyList<LanguageBaseline> Languages);

/// <summary>The same of one language.</summary>
public sealed record LanguageBaseline(string Language, double Chance, double NaiveBayes);

/// <summary>Where the release lies.</summary>
public sealed record ReleaseReport(string Path, IReadOnlyList<ReleaseFile> Files, string Sha256);

/// <summary>Where the trained student lies.</summary>
public sealed record ModelReport(string Path, string Checkpoint);

/// <summary>Evaluation on the held-out seeds.</summary>
public sealed record EvaluationReport(int Candidates, IReadOnlyList<LanguageEvaluation> Languages);

/// <summary>Tokens and money, summed over the events.</summary>
public sealed record Ledger(long TokensIn, long TokensOut, decimal Usd)
{
    /// <summary>Calls to endpoints by stage and language; null when all models were local.</summary>
    public IReadOnlyList<CallLedger>? Calls { get; init; }
}

/// <summary>How well spoilt rows were found, of one language.</summary>
/// <param name="Spoilt">Rows spoilt on purpose.</param>
/// <param name="Found">Those rejected for their true reason.</param>
/// <param name="Clean">Rows that are not spoilt.</param>
/// <param name="FalselyRejected">Clean rows that were rejected.</param>
public sealed record ScreeningReport(string Language, int Spoilt, int Found, int Clean, int FalselyRejected);
