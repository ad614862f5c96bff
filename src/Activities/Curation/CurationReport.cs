namespace XInstruct.Activities.Curation;

/// <summary>Rows of a source that were rejected for a reason.</summary>
/// <param name="Source">Number of the source in the recipe, from 0.</param>
/// <param name="Group">Its name.</param>
/// <param name="Reason">Why.</param>
/// <param name="Rows">How many.</param>
/// <param name="First">Number of the first of them in its file, from 1; null where that is not known.</param>
internal sealed record RejectionCount(int Source, string Group, string Reason, long Rows, long? First);

/// <summary>statistics.json: what a curation read, rejected and kept.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Read">Rows of the sources.</param>
/// <param name="Merged">Rows that were merged.</param>
/// <param name="Rejected">The others, by source and reason.</param>
/// <param name="Duplicates">Merged rows whose instruction and output an earlier one has.</param>
/// <param name="RepeatedInstructions">Rows whose instruction an earlier one has.</param>
/// <param name="Rows">Rows that are sampled from.</param>
/// <param name="Chosen">What the recipe's own cell keeps.</param>
/// <param name="Grid">What the other cells keep.</param>
/// <param name="Clusters">The clusters of the recipe's own cell.</param>
/// <param name="Lengths">Lengths of the instructions.</param>
/// <param name="Perplexities">Their perplexities.</param>
internal sealed record CurationReport(
    string Name,
    long Read,
    long Merged,
    IReadOnlyList<RejectionCount> Rejected,
    long Duplicates,
    long RepeatedInstructions,
    int Rows,
    CellStatistics Chosen,
    IReadOnlyList<CellStatistics> Grid,
    IReadOnlyList<ClusterStatistics> Clusters,
    Histogram? Lengths,
    Histogram? Perplexities);
