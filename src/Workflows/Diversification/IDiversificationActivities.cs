using Temporalio.Activities;
using XInstruct.Workflows.Languages;

namespace XInstruct.Workflows.Diversification;

/// <summary>Sentence embeddings of the instructions.</summary>
public interface IEmbeddingActivities
{
    /// <summary>Writes the shard's vector file.</summary>
    [Activity]
    Task<ShardResult> EmbedShardAsync(ShardInput input);
}

/// <summary>Names the vector files to be clustered.</summary>
public sealed record ClusterInput(LanguageInput Language, int Shards);

/// <summary>Clusters a language's instructions and samples across clusters.</summary>
public interface IClusteringActivities
{
    /// <summary>Appends SampleSelected(cluster, rank).</summary>
    [Activity]
    Task<ShardResult> SelectAsync(ClusterInput input);
}
