using XInstruct.Domain.Languages;

namespace XInstruct.Domain.Tasks;

/// <summary>The data sets of several registries.</summary>
public sealed class TaskCatalogue
{
    private readonly Dictionary<string, RegistryCluster> _clusters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TaskDataset> _datasets = new(StringComparer.Ordinal);

    /// <summary>Puts registries together. A cluster may be in several of them: the first one that says what its rows and prompts are counts.</summary>
    /// <exception cref="TaskRegistryException">A data set is there twice or names a cluster that there is not.</exception>
    public TaskCatalogue(IEnumerable<TaskRegistry> registries)
    {
        ArgumentNullException.ThrowIfNull(registries);
        var all = registries.ToArray();
        foreach (var cluster in all.SelectMany(registry => registry.Clusters))
        {
            if (!_clusters.TryGetValue(cluster.Name, out var known) || known is { Fields.Count: 0, Templates.Count: 0 }) _clusters[cluster.Name] = cluster;
        }

        foreach (var registry in all)
        {
            foreach (var entry in registry.Datasets)
            {
                if (!_clusters.TryGetValue(entry.Cluster, out var cluster)) throw new TaskRegistryException($"Registry {registry.Name}, data set {entry.Name}: {UnknownCluster(entry.Cluster)}");
                if (!_datasets.TryAdd(entry.Name, new TaskDataset(entry, cluster))) throw new TaskRegistryException($"The data set {entry.Name} is in two of the registries {string.Join(", ", all.Select(r => r.Name))}, or twice in one.");
            }
        }
    }

    /// <summary>All data sets, in the registries' order.</summary>
    public IReadOnlyCollection<TaskDataset> Datasets => _datasets.Values;

    /// <summary>All clusters, in the registries' order.</summary>
    public IReadOnlyCollection<RegistryCluster> Clusters => _clusters.Values;

    /// <summary>A data set.</summary>
    /// <exception cref="TaskRegistryException">It is in none of the registries; the message lists those that are.</exception>
    public TaskDataset Dataset(string name) => Find(name) ?? throw new TaskRegistryException(UnknownDataset(name));

    /// <summary>A data set; null when it is in none of the registries.</summary>
    public TaskDataset? Find(string name) => _datasets.GetValueOrDefault(name);

    /// <summary>Whether there is such a cluster.</summary>
    public bool HasCluster(string name) => _clusters.ContainsKey(name);

    /// <summary>What is said of an unknown data set.</summary>
    public string UnknownDataset(string name) => Unknown("data set", name, _datasets.Keys);

    /// <summary>What is said of an unknown cluster.</summary>
    public string UnknownCluster(string name) => Unknown("cluster", name, _clusters.Keys);

    private static string Unknown(string what, string name, IReadOnlyCollection<string> known) => known.Count == 0
        ? $"There is no {what} '{name}'; the registries have none at all."
        : $"There is no {what} '{name}'. Did you mean '{known.OrderBy(k => Language.Distance(k, name)).ThenBy(k => k, StringComparer.Ordinal).First()}'? Known: {string.Join(", ", known)}. A registry file adds others.";
}
