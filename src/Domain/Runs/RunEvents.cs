namespace XInstruct.Domain.Runs;

// Events of a run's own stream. Their data, too, holds only what inputs and seeds determine; who and when is in the headers.

/// <summary>An input file by its role, never by its path.</summary>
/// <param name="Role">corpus, seeds, seeds.alignWith, models.generator.base/config.json, …</param>
/// <param name="Language">Language of the file, when the recipe has one for each.</param>
/// <param name="Sha256">Hash of the bytes.</param>
/// <param name="Bytes">Size.</param>
public sealed record InputContent(string Role, string? Language, string Sha256, long Bytes);

/// <summary>The run began.</summary>
/// <param name="Recipe">Hash of the canonical recipe, in which input contents stand for paths.</param>
/// <param name="Settings">Hash of the recipe's settings alone.</param>
/// <param name="Languages">Languages in the recipe's order.</param>
/// <param name="Inputs">Every input file.</param>
public sealed record RunStarted(string Name, string Recipe, string Settings, IReadOnlyList<string> Languages, IReadOnlyList<InputContent> Inputs);

/// <summary>Counts of one language at the end of an iteration.</summary>
public sealed record LanguageIteration(string Language, int Rated, int Kept, int KeptInAll, IReadOnlyList<int> Levels);

/// <summary>One pass of the loop ended.</summary>
public sealed record IterationCompleted(int Iteration, IReadOnlyList<LanguageIteration> Languages);

/// <summary>A checkpoint was made and stands under its hash.</summary>
/// <param name="Key">Hash of all that decided the training; the same key is never trained twice.</param>
/// <param name="Role">generator-0, evaluator, student, tokenizer, …</param>
/// <param name="Checkpoint">Hash of the checkpoint's file table.</param>
/// <param name="Steps">Optimisation steps.</param>
/// <param name="Tokens">Tokens seen.</param>
/// <param name="Loss">Last smoothed training loss, nats per token.</param>
public sealed record CheckpointSaved(string Key, string Role, string Checkpoint, int Steps, long Tokens, double? Loss);

/// <summary>A file of a release.</summary>
public sealed record ReleaseFile(string Name, long Bytes, string Sha256, int Rows);

/// <summary>A release was written and sealed.</summary>
/// <param name="Number">1 for the run's first.</param>
/// <param name="Sha256">SHA-256 of manifest.json.</param>
/// <param name="ContentRoot">Merkle root over every (sample, version).</param>
/// <param name="RecordRoot">Merkle root over every event of the run before this one.</param>
/// <param name="Files">Data files.</param>
public sealed record ReleaseSealed(int Number, string Sha256, string ContentRoot, string RecordRoot, IReadOnlyList<ReleaseFile> Files);

/// <summary>A mean with its bootstrap interval (95%).</summary>
public sealed record Estimate(double Mean, double Low, double High, int Count);

/// <summary>Held-out seeds of one language, before and after training.</summary>
public sealed record LanguageEvaluation(
    string Language,
    Estimate LossBefore,
    Estimate LossAfter,
    Estimate InstructionRankBefore,
    Estimate InstructionRankAfter,
    Estimate ResponseRankBefore,
    Estimate ResponseRankAfter);

/// <summary>A model was evaluated on the held-out seeds.</summary>
public sealed record ModelEvaluated(string Before, string After, int Candidates, IReadOnlyList<LanguageEvaluation> Languages);

/// <summary>Someone steered a run, a job or a training.</summary>
/// <param name="Command">What was asked for: pause, resume, set, budget, approve, reject, retry, cancel.</param>
/// <param name="Who">Who asked.</param>
/// <param name="Why">Why, in their words.</param>
/// <param name="Usd">The new budget in US dollars; null for none, and of other commands.</param>
/// <param name="Language">The language that it is about; null for all.</param>
/// <param name="Stage">The stage that it is about; null for all.</param>
/// <param name="Request">Names the request, so that it is recorded once; null in older events.</param>
/// <param name="Set">Settings from now on, by key; null of other commands.</param>
/// <param name="Iteration">The iteration that it is about.</param>
/// <param name="Reason">The reason of failure that is tried again; null for any.</param>
/// <param name="Samples">Samples that are tried again.</param>
public sealed record RunSteered(
    string Command,
    string? Who,
    string? Why,
    double? Usd = null,
    string? Language = null,
    string? Stage = null,
    string? Request = null,
    IReadOnlyDictionary<string, string>? Set = null,
    int? Iteration = null,
    string? Reason = null,
    int? Samples = null);

/// <summary>The run began with what another one had done: its streams begin with that run's events, with the same content hashes.</summary>
/// <param name="Parent">Run id of that run.</param>
/// <param name="From">The first stage that this run does itself: generate, rate, keep, diversify.</param>
/// <param name="Recipe">Hash of that run's canonical recipe.</param>
public sealed record RunForked(string Parent, string From, string Recipe);

/// <summary>Everything the recipe asked for is done.</summary>
public sealed record RunCompleted;
