using XInstruct.Domain.Deduplication;

namespace XInstruct.Activities.Corpora;

/// <summary>One row of a staged chunk.</summary>
/// <param name="Row">0-based row in the source.</param>
/// <param name="Key">The row's own id.</param>
/// <param name="Text">The text; null when the row has none.</param>
/// <param name="Problem">Why the row has no text.</param>
public sealed record CorpusRow(long Row, string? Key, string? Text, string? Problem);

/// <summary>A chunk: as many rows as a shard has.</summary>
public sealed record CorpusChunk(IReadOnlyList<CorpusRow> Rows);

/// <summary>What the scan found out about one row: a reason to reject it, or its sketch.</summary>
public sealed record ScannedRow(long Row, string? Reason, string? CheckedBy, TextSketch? Sketch);

/// <summary>Scan of a chunk.</summary>
public sealed record ScannedChunk(IReadOnlyList<ScannedRow> Rows, int Bad);

/// <summary>Final word on a chunk's rows: those rejected, everything else is accepted.</summary>
public sealed record ChunkVerdict(IReadOnlyList<Domain.Sources.RejectedRow> Rejected);
