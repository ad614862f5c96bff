namespace XInstruct.Activities.Truth;

/// <summary>What one corpus row really is.</summary>
/// <param name="Values">Values of the truth's fields; a field that the row lacks is absent.</param>
/// <param name="Spoilt">How the row was spoilt on purpose; null for a clean row.</param>
public sealed record TruthRow(IReadOnlyDictionary<string, string> Values, string? Spoilt);

/// <summary>The truth of one language's corpus. It is compared after the fact and never read by the pipeline.</summary>
public sealed class CorpusTruth(bool isJoinedById, IReadOnlyDictionary<string, TruthRow> rows)
{
    /// <summary>Rows by the corpus row's id, or by its 0-based number.</summary>
    public IReadOnlyDictionary<string, TruthRow> Rows { get; } = rows;

    /// <summary>The truth about a corpus row; null when there is none.</summary>
    /// <param name="row">0-based row in the corpus file.</param>
    /// <param name="key">The row's own id, when the recipe maps one.</param>
    public TruthRow? Find(long row, string? key) =>
        (isJoinedById ? key : TruthReader.RowKey(row)) is { } name ? Rows.GetValueOrDefault(name) : null;
}
