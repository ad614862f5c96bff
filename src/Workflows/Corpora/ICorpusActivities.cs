using Temporalio.Activities;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Corpora;

/// <summary>A staged source: its rows lie in numbered chunks.</summary>
public sealed record StagedSource(long Rows, int Shards);

/// <summary>What is left of a language's corpus after filters and deduplication.</summary>
/// <param name="Texts">Accepted texts.</param>
/// <param name="Rejected">Rejected rows.</param>
/// <param name="Shards">Shards of the stages that follow.</param>
public sealed record ScreenedCorpus(int Texts, long Rejected, int Shards);

/// <summary>Ingest: corpus rows become texts, or rejections with a reason.</summary>
public interface ICorpusActivities
{
    /// <summary>Reads the source once and cuts it into chunks of a shard's rows.</summary>
    [Activity]
    Task<StagedSource> StageSourceAsync(LanguageInput input);

    /// <summary>Filters, language identification and text sketches of one chunk.</summary>
    [Activity]
    Task<ShardResult> ScanShardAsync(ShardInput input);

    /// <summary>Finds exact and near duplicates over all chunks in row order, and fixes the order of the samples.</summary>
    [Activity]
    Task<ScreenedCorpus> ScreenCorpusAsync(ScreenInput input);

    /// <summary>Appends TextAccepted for a chunk's texts and RowsRejected for the rest.</summary>
    [Activity]
    Task<ShardResult> AcceptShardAsync(ShardInput input);
}

/// <summary>Names the chunks to be screened together.</summary>
public sealed record ScreenInput(LanguageInput Language, int Shards);
