using XInstruct.Activities.Reports;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Domain.Statistics;

namespace XInstruct.Activities.DataSheets;

/// <summary>What the data sheet of a release says. All of it is derived: it is never part of the release, and can be made again from the events.</summary>
public sealed record DataSheet(
    Run Run,
    RunReport Report,
    IReadOnlyList<LanguageStatistics> Languages,
    IReadOnlyList<Rejection> Rejections,
    IReadOnlyList<ScoreHistogram> Scores,
    IReadOnlyList<ClusterMap> Maps,
    IReadOnlyList<VerbCount> Verbs,
    IReadOnlyList<Deed> Deeds,
    IReadOnlyDictionary<string, string> Prompts,
    string Settings);

/// <summary>A language's samples in the release (methods, section 1). Lengths are in code points.</summary>
public sealed record LanguageStatistics(string Language, int Samples, int DistinctInstructions, Summary Instruction, Summary Output, double Score, int Clusters);

/// <summary>Rows or samples rejected for one reason in one language.</summary>
/// <param name="Stage">ingest, or refine for pairs.</param>
/// <param name="Example">The first one, clipped; null when the source is withdrawable or the row is no text.</param>
public sealed record Rejection(string Language, string Stage, string Reason, long Count, string? Example);

/// <summary>Evaluator's probabilities of level 2, in equal bins from 0 to 1.</summary>
/// <param name="Rated">All rated pairs by their last rating.</param>
/// <param name="Released">Those in the release.</param>
public sealed record ScoreHistogram(string Language, IReadOnlyList<long> Rated, IReadOnlyList<long> Released);

/// <summary>Released instructions of a language on the plane of the two strongest principal components of their vectors.</summary>
/// <param name="Explained">Share of the variance that the plane shows.</param>
/// <param name="Of">Released samples, of which <paramref name="Points"/> may be an even selection.</param>
public sealed record ClusterMap(string Language, double Explained, int Of, IReadOnlyList<MapPoint> Points);

/// <summary>One instruction.</summary>
public sealed record MapPoint(double X, double Y, int Cluster, string Instruction);

/// <summary>A verb that instructions begin with, and its objects.</summary>
public sealed record VerbCount(string Verb, int Count, IReadOnlyList<ObjectCount> Objects);

/// <summary>An object of a verb.</summary>
public sealed record ObjectCount(string Object, int Count);

/// <summary>What was done under one act, summed over its events.</summary>
public sealed record Deed(Act Act, long Events, long TokensIn, long TokensOut, decimal Usd, DateTime From, DateTime To);
