using XInstruct.Domain.Runs;

namespace XInstruct.Domain.Jobs;

// Events of a job and of its parts, each in a stream of its own. Their data holds only what inputs and seeds determine.

/// <summary>A job began.</summary>
/// <param name="Name">Job id.</param>
/// <param name="Kind">The command: curate, build, evaluate, judge, rerate, probe.</param>
/// <param name="Recipe">Hash of the canonical recipe, in which input contents stand for paths.</param>
/// <param name="Inputs">Every input file.</param>
public sealed record JobStarted(string Name, string Kind, string Recipe, IReadOnlyList<InputContent> Inputs);

/// <summary>A part of a stage was done, and what it gave stands under its hash.</summary>
/// <param name="Stage">Stage of the job.</param>
/// <param name="Part">Number of the part in its stage, from 0.</param>
/// <param name="File">SHA-256 of what it gave.</param>
/// <param name="Bytes">Size of it.</param>
/// <param name="Rows">Rows of it.</param>
public sealed record JobPartDone(string Stage, int Part, string File, long Bytes, long Rows);

/// <summary>A model behind an endpoint answered a row of a job, or never will. Written as soon as the answer is there, so that no answer is paid twice.</summary>
/// <param name="Stage">Stage of the job.</param>
/// <param name="Key">What was asked, in the stage.</param>
/// <param name="Reply">Content hash of the answer; null when there is none.</param>
/// <param name="Reason">Why there is none, in a word.</param>
public sealed record JobReplied(string Stage, string Key, string? Reply, string? Reason = null);

/// <summary>All parts of a stage were done.</summary>
/// <param name="Stage">Stage of the job.</param>
/// <param name="Parts">How many it has.</param>
/// <param name="Rows">Rows of all of them.</param>
/// <param name="Root">Merkle root over the parts, in their order: (the part's stream, 1, hash of its file).</param>
public sealed record JobStageEnded(string Stage, int Parts, long Rows, string Root);

/// <summary>The job ended.</summary>
/// <param name="Result">Hash of the file table of its result.</param>
public sealed record JobEnded(string Result);
