namespace XInstruct.Domain.Tasks;

/// <summary>Clusters that nothing is trained on: what a model can do with them, it was not shown.</summary>
/// <param name="clusters">Their names.</param>
public sealed class HeldOutClusters(IEnumerable<string> clusters)
{
    private readonly HashSet<string> _clusters = new(clusters, StringComparer.Ordinal);

    /// <summary>Why rows of a data set may not be trained on; null when they may.</summary>
    /// <param name="dataset">Data set.</param>
    /// <param name="isTest">Whether the rows are for tests only.</param>
    /// <param name="file">The file, as the user knows it.</param>
    /// <param name="row">Number of the first such row, from 1; null when all are such.</param>
    public string? Leak(TaskDataset dataset, bool isTest, string file, long? row = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        return isTest || !_clusters.Contains(dataset.Cluster)
            ? null
            : $"The cluster {dataset.Cluster} is held out, but {file}{(row is { } number ? FormattableString.Invariant($", row {number},") : "")} has rows of it to train on (data set {dataset.Name}). "
              + "Take the file out, make it a test file (split: test), or take the cluster out of mix.holdOut.";
    }
}
