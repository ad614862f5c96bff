using XInstruct.Domain.Provenance;

namespace XInstruct.Domain.Sources;

/// <summary>A row that did not become a text.</summary>
/// <param name="Row">0-based row in the source.</param>
/// <param name="Reason">Why, in kebab-case: too-short, duplicate, not-json, …</param>
/// <param name="DuplicateOf">The earlier row that it repeats.</param>
public sealed record RejectedRow(long Row, string Reason, long? DuplicateOf = null);

/// <summary>All rejections of one ingest shard; also written, empty, when it rejected nothing, so that the shard is known to be done.</summary>
/// <param name="Source">Source id.</param>
/// <param name="Language">Language code.</param>
/// <param name="Shard">Ingest shard, from 0.</param>
/// <param name="Count">Rows of the shard.</param>
/// <param name="Rows">Rejected rows, by row number.</param>
public sealed record RowsRejected(Guid Source, string Language, int Shard, int Count, IReadOnlyList<RejectedRow> Rows);

/// <summary>A corpus file or set: what was read, and what was rejected and why.</summary>
public sealed record Source : IChained
{
    /// <summary>Stream id.</summary>
    public Guid Id { get; init; }

    /// <inheritdoc/>
    public string? Run { get; init; }

    /// <inheritdoc/>
    public ChainHead? Head { get; init; }

    public Guid SourceId { get; init; }

    public string Language { get; init; } = "";

    /// <summary>Rows of the shards that were read.</summary>
    public long Rows { get; init; }

    /// <summary>Rejected rows by reason.</summary>
    public IReadOnlyDictionary<string, long> Reasons { get; init; } = new SortedDictionary<string, long>(StringComparer.Ordinal);

    /// <summary>Shards whose rejections are written.</summary>
    public IReadOnlyList<int> Shards { get; init; } = [];

    /// <summary>The state after <paramref name="event"/>. Pure; unknown events change nothing.</summary>
    public static Source? Fold(Source? current, object @event) => @event is not RowsRejected e
        ? current
        : (current ?? new Source()) with
        {
            SourceId = e.Source,
            Language = e.Language,
            Rows = (current?.Rows ?? 0) + e.Count,
            Shards = [.. current?.Shards ?? [], e.Shard],
            Reasons = Count(current?.Reasons ?? new SortedDictionary<string, long>(StringComparer.Ordinal), e.Rows),
        };

    /// <summary>Writes a shard's rejections; nothing when they are written.</summary>
    public static object? Reject(Source? current, RowsRejected rows) => current is not null && current.Shards.Contains(rows.Shard) ? null : rows;

    private static SortedDictionary<string, long> Count(IReadOnlyDictionary<string, long> before, IReadOnlyList<RejectedRow> rows)
    {
        var reasons = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var (reason, count) in before) reasons[reason] = count;
        foreach (var row in rows) reasons[row.Reason] = reasons.GetValueOrDefault(row.Reason) + 1;
        return reasons;
    }
}
