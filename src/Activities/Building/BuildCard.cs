using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>Rows of a data set in what was built.</summary>
/// <param name="Dataset">Data set.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Lang">Language of the rows; of question translation the direction.</param>
/// <param name="Licence">Licence.</param>
/// <param name="Rows">How many.</param>
/// <param name="Templates">Of each template.</param>
public sealed record DatasetCount(string Dataset, string Cluster, string Lang, string Licence, long Rows, IReadOnlyDictionary<string, long> Templates);

/// <summary>A file of rows.</summary>
/// <param name="Mix">The mix; empty where there is but one.</param>
/// <param name="Split">What its rows are for.</param>
/// <param name="Rows">How many.</param>
/// <param name="Datasets">Of each data set and language.</param>
/// <param name="Clusters">Of each cluster.</param>
/// <param name="Licences">Of each licence.</param>
/// <param name="Templates">Of each template.</param>
public sealed record SplitCount(
    string Mix,
    DataSplit Split,
    long Rows,
    IReadOnlyList<DatasetCount> Datasets,
    IReadOnlyDictionary<string, long> Clusters,
    IReadOnlyDictionary<string, long> Licences,
    IReadOnlyDictionary<string, long> Templates);

/// <summary>Rows that were left out.</summary>
/// <param name="Source">Source, or what left them out.</param>
/// <param name="Dataset">Data set; null where it is not known.</param>
/// <param name="Licence">Its licence; null where the data set is not known.</param>
/// <param name="Split">What they would have been for.</param>
/// <param name="Reason">Why.</param>
/// <param name="Rows">How many.</param>
public sealed record LeftOut(string Source, string? Dataset, string? Licence, DataSplit Split, string Reason, long Rows);

/// <summary>What decontamination found in an evaluation set.</summary>
/// <param name="Against">The evaluation set.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Unreadable">Rows that could not be read, or have none of the columns.</param>
/// <param name="TooShort">Rows that no run of words can find.</param>
/// <param name="Found">Rows that are in what would be trained on.</param>
/// <param name="Pairs">Pairs of such rows and rows that would be trained on.</param>
public sealed record OverlapCount(string Against, long Rows, long Unreadable, long TooShort, long Found, long Pairs);

/// <summary>A source's file that ends before its time.</summary>
/// <param name="Source">Source.</param>
/// <param name="Row">The row in which it is cut, from 1.</param>
public sealed record CutFile(string Source, long Row);

/// <summary>card.json: what was built, of what, and what was left out.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Kind">multitask, mix or questionTranslation.</param>
/// <param name="Seed">The recipe's seed.</param>
/// <param name="Registries">Registries that were read.</param>
/// <param name="HeldOut">Clusters held out.</param>
/// <param name="Sources">Rows of each source that were read, by data set.</param>
/// <param name="Files">What was built.</param>
/// <param name="LeftOut">What was left out, by source, data set and reason.</param>
/// <param name="Overlaps">What decontamination found; null when nobody asked for it.</param>
/// <param name="OverlapAction">What was done with it.</param>
/// <param name="SemanticThreshold">Cosine from which rows were left out as repeats; null when nobody asked for it.</param>
/// <param name="Cut">Files that are cut in their middle; null when none is.</param>
public sealed record BuildCard(
    string Name,
    string Kind,
    int Seed,
    IReadOnlyList<string> Registries,
    IReadOnlyList<string> HeldOut,
    IReadOnlyList<BuildCount> Sources,
    IReadOnlyList<SplitCount> Files,
    IReadOnlyList<LeftOut> LeftOut,
    IReadOnlyList<OverlapCount>? Overlaps,
    OverlapAction? OverlapAction,
    double? SemanticThreshold,
    IReadOnlyList<CutFile>? Cut = null);
