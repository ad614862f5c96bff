using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Building;

/// <summary>A row of what is built.</summary>
public sealed record BuildRow
{
    /// <summary>The mix; empty where there is but one.</summary>
    public string Mix { get; init; } = "";

    /// <summary>What it is for.</summary>
    public DataSplit Split { get; init; }

    /// <summary>Source, as reports call it.</summary>
    public string Source { get; init; } = "";

    /// <summary>Row of its file, from 1.</summary>
    public long Row { get; init; }

    /// <summary>Data set.</summary>
    public string Dataset { get; init; } = "";

    /// <summary>Its cluster.</summary>
    public string Cluster { get; init; } = "";

    /// <summary>Language of the row; of question translation the direction.</summary>
    public string Lang { get; init; } = "";

    /// <summary>Licence of its data set.</summary>
    public string Licence { get; init; } = "";

    /// <summary>Template that made it a prompt; empty when nobody knows.</summary>
    public string Template { get; init; } = "";

    /// <summary>Its id in the data set.</summary>
    public string Id { get; init; } = "";

    /// <summary>Prompt.</summary>
    public string Input { get; init; } = "";

    /// <summary>Answer.</summary>
    public string Output { get; init; } = "";

    /// <summary>What may be answered; null when that is free.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>The same for rows of a mix and split with the same prompt and answer, and for no others: 128 bits of their SHA-256, as millions of them are held in memory.</summary>
    internal UInt128 TextKey() => BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{Mix}\0{Split}\0{Input}\0{Output}")));
}

/// <summary>A row that was left out for what is wrong with it: a line of drops.jsonl.</summary>
/// <param name="Source">Source.</param>
/// <param name="Row">Row of its file, from 1.</param>
/// <param name="Dataset">Data set, where it is known.</param>
/// <param name="Split">What it would have been for.</param>
/// <param name="Reason">Why, in kebab-case.</param>
/// <param name="Detail">What shows it.</param>
public sealed record BuildDrop(string Source, long Row, string? Dataset, DataSplit Split, string Reason, string? Detail)
{
    /// <summary>What <see cref="Detail"/> says of the row in which a file ends before its time.</summary>
    public const string Cut = "the file is cut in this row; whatever stood behind it is missing";
}

/// <summary>Rows of a source that were left out for what the recipe asks, by data set: not-drawn, other-language, other-template, a licence.</summary>
/// <param name="Source">Source.</param>
/// <param name="Dataset">Data set.</param>
/// <param name="Split">What they would have been for.</param>
/// <param name="Reason">Why; "read" counts all rows of the source.</param>
/// <param name="Rows">How many.</param>
public sealed record BuildCount(string Source, string Dataset, DataSplit Split, string Reason, long Rows);

/// <summary>A line of the stages that read and gather: one of the three.</summary>
internal sealed record BuildLine(BuildRow? Row = null, BuildDrop? Drop = null, BuildCount? Count = null);

/// <summary>A pair of a row that would be trained on and a row of an evaluation set: a line of overlaps.csv.</summary>
/// <param name="Item">Number of the row among those gathered.</param>
/// <param name="Against">Evaluation set.</param>
/// <param name="Row">Its row, from 1.</param>
/// <param name="Shared">Runs that both have.</param>
/// <param name="Of">Runs that the evaluation row has.</param>
internal sealed record BuildOverlap(int Item, string Against, long Row, int Shared, int Of);

/// <summary>What a row of an evaluation set comes to before anything is compared.</summary>
/// <param name="Against">Evaluation set.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Unreadable">Rows that could not be read, or have none of the columns.</param>
/// <param name="TooShort">Rows that no run of words can find.</param>
internal sealed record EvaluationCount(string Against, long Rows, long Unreadable, long TooShort);

/// <summary>A row that means what an earlier one means: a line of duplicates.csv.</summary>
/// <param name="Item">Number of the row among those gathered.</param>
/// <param name="Of">Number of the earlier one.</param>
/// <param name="Cosine">How alike they are.</param>
internal sealed record BuildDuplicate(int Item, int Of, double Cosine);
