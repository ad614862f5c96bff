using XInstruct.Domain.Runs;

namespace XInstruct.Domain.Models;

// Events of a trained model's own stream. Their data holds only what inputs and seeds determine.

/// <summary>A training began.</summary>
/// <param name="Name">Training id.</param>
/// <param name="Recipe">Hash of the canonical training recipe, in which input contents stand for paths.</param>
/// <param name="Method">sft or dpo, and full, lora or qlora, e.g. <c>sft lora</c>.</param>
/// <param name="Release">SHA-256 of the release it is trained on; null when the data is no release.</param>
/// <param name="Inputs">Every input file.</param>
public sealed record TrainingStarted(string Name, string Recipe, string Method, string? Release, IReadOnlyList<InputContent> Inputs);

/// <summary>A point from which the training can go on was brought to the disk.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Checkpoint">Hash of its state.json, which names the hashes of its other files.</param>
/// <param name="Tokens">Tokens read so far.</param>
/// <param name="Loss">Loss of the last step.</param>
/// <param name="EvaluationLoss">Loss on the rows held out, when the last step was evaluated.</param>
public sealed record ModelCheckpointSaved(int Step, string Checkpoint, long Tokens, double Loss, double? EvaluationLoss = null);

/// <summary>The training ended and its result stands under its hash.</summary>
/// <param name="Model">Hash of the result's file table.</param>
/// <param name="Base">Hash of the file table of the model it started from.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Tokens">Tokens read.</param>
/// <param name="Loss">Mean loss of the last tenth of the steps.</param>
/// <param name="BestStep">Step whose weights these are, when rows were held out.</param>
/// <param name="EvaluationLoss">Loss on the rows held out at that step.</param>
/// <param name="StoppedEarly">Whether it ended because that loss fell no more.</param>
public sealed record ModelTrained(string Model, string Base, int Steps, long Tokens, double Loss, int? BestStep = null, double? EvaluationLoss = null, bool StoppedEarly = false);

/// <summary>A trained adapter was added to a model's weights.</summary>
/// <param name="Base">Hash of the file table of the model.</param>
/// <param name="Adapter">Hash of the adapter's file table.</param>
/// <param name="Model">Hash of the merged model's file table.</param>
public sealed record ModelMerged(string Base, string Adapter, string Model);
