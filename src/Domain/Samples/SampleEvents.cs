using XInstruct.Domain.Provenance;

namespace XInstruct.Domain.Samples;

// Events of a sample's stream. Permanent: stored names are in EventTypes, new members are nullable.
// Hashes are content hashes of rows in xi_contents, lower-case hex.

/// <summary>A corpus document became a text.</summary>
/// <param name="Sample">Sample id.</param>
/// <param name="Language">Language code.</param>
/// <param name="Source">Source id.</param>
/// <param name="Row">0-based row in the source.</param>
/// <param name="Key">The row's own id, when the recipe maps one.</param>
/// <param name="Text">Hash of the text as it stands in the source.</param>
/// <param name="Length">Length in code points.</param>
/// <param name="CheckedBy">How the language was checked: profile or script.</param>
public sealed record TextAccepted(Guid Sample, string Language, Guid Source, long Row, string? Key, string Text, int Length, string CheckedBy);

/// <summary>The generator wrote an instruction.</summary>
/// <param name="Iteration">Iteration, from 0.</param>
/// <param name="Instruction">Hash of the instruction.</param>
/// <param name="LogProbability">Mean log-probability of its tokens under the generators allowed on this text, natural logarithm.</param>
/// <param name="Candidates">How many different candidates it was chosen from.</param>
public sealed record InstructionGenerated(int Iteration, string Instruction, double? LogProbability, int Candidates);

/// <summary>No instruction came about.</summary>
public sealed record GenerationFailed(int Iteration, string Reason);

/// <summary>A later iteration wrote the instruction anew.</summary>
public sealed record InstructionRevised(int Iteration, string Instruction, double? LogProbability, int Candidates);

/// <summary>The evaluator's level (2 best, 1 reasonable with flaws, 0 worst) and the probabilities of levels 0, 1, 2.</summary>
/// <param name="Points">Points on the rubric of an evaluator that is a prompt; null when it is a local model.</param>
public sealed record SampleRated(int Iteration, int Level, IReadOnlyList<double> Probabilities, int? Points = null);

/// <summary>The evaluator's answer could not be read: an outcome of its own, never a level.</summary>
public sealed record RatingFailed(int Iteration, string Reason);

/// <summary>
/// Another evaluator's verdict on the pair, beside the first one, which stays what the run goes by. It is no part of what inputs and seeds determine: the content
/// chain passes it over (<see cref="EventTypes.IsBeside"/>), the record chain does not.
/// </summary>
/// <param name="Job">The job that asked for it.</param>
/// <param name="Judge">Name of the evaluator.</param>
/// <param name="Pair">Content hash of the instruction that it is about.</param>
/// <param name="Level">2 best, 1 reasonable with flaws, 0 worst; null when the answer could not be read.</param>
/// <param name="Probabilities">Probabilities of levels 0, 1, 2.</param>
/// <param name="Points">Points on the rubric of an evaluator that is a prompt; null when it is a local model.</param>
/// <param name="Reason">Why there is no level, in a word.</param>
public sealed record SampleRerated(string Job, string Judge, string Pair, int? Level, IReadOnlyList<double>? Probabilities = null, int? Points = null, string? Reason = null);

/// <summary>A failure is to be tried again; the event of the failure stays.</summary>
/// <param name="Iteration">Iteration of the failure.</param>
/// <param name="Stage">generate or rate.</param>
/// <param name="Reason">Why it had failed.</param>
public sealed record FailureReopened(int Iteration, string Stage, string Reason);

/// <summary>An iteration was rejected, and the pair is again what it was before it.</summary>
/// <param name="Iteration">The rejected iteration; all else is what held before.</param>
public sealed record SampleRestored(
    int Iteration, string? Instruction, int Generated, double? LogProbability, string? Failure, int Rated, int? Level, IReadOnlyList<double>? Probabilities, int? Kept, int? KeptRank);

/// <summary>The pair was kept as new training data.</summary>
/// <param name="Iteration">Iteration at whose end it was kept.</param>
/// <param name="Rank">1 is the best of its language.</param>
public sealed record SampleKept(int Iteration, int Rank);

/// <summary>The pair was not kept when the loop ended.</summary>
public sealed record SampleRejected(int Iteration, string Reason);

/// <summary>Diversification chose the sample for the release.</summary>
/// <param name="Cluster">Cluster number within its language.</param>
/// <param name="Rank">Rank within its cluster, from 1.</param>
public sealed record SampleSelected(int Cluster, int Rank);
