using System.Text.Json.Serialization;

namespace XInstruct.Activities.Curation;

/// <summary>A merged row, with the published keys in their order; ppl only where a source has it.</summary>
internal sealed record MergedRow(string Instruction, string Output, string Group, int Len, double? Ppl = null);

/// <summary>A row of a source that is not merged.</summary>
/// <param name="Row">Its number in its file, from 1.</param>
/// <param name="Problem">Why, in kebab-case.</param>
internal sealed record RejectedRow(long Row, string Problem);

/// <summary>A line of what a source gave: a <see cref="MergedRow"/> or a <see cref="RejectedRow"/>.</summary>
internal sealed record MergeLine(string? Instruction, string? Output, string? Group, int Len, double? Ppl, long Row, string? Problem);

/// <summary>What the perplexity stage says of a row: its perplexity, or why it has none.</summary>
internal sealed record PerplexityLine(double? Ppl, string? Problem = null);

/// <summary>A row with its perplexity, with the published keys in their order.</summary>
internal sealed record MeasuredRow(int Len, double? Ppl, string Group, string Instruction, string Output);

/// <summary>A measured row with its cluster.</summary>
internal sealed record ClusteredRow(
    int Len, double? Ppl, string Group, string Instruction, string Output, [property: JsonPropertyName("len_group")] int LenGroup, int Cluster);

/// <summary>A line of a clustered length group: first what it took, then labels of its rows, in their order.</summary>
internal sealed record ClusterLine(double? Inertia = null, int? Iterations = null, IReadOnlyList<int>? Labels = null);

/// <summary>Rows that a cell of the grid keeps, as numbers in the table of measured rows.</summary>
internal sealed record SampleLine(IReadOnlyList<int> Rows);
