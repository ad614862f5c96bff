using System.Globalization;
using System.Runtime.InteropServices;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Selection;

/// <summary>A chosen item.</summary>
/// <param name="Index">Its place in the input.</param>
/// <param name="Cluster">Its cluster.</param>
/// <param name="Rank">Its rank among what its cluster gave, from 0.</param>
public readonly record struct Picked(int Index, int Cluster, int Rank);

/// <summary>Chooses samples across clusters: quotas, then the nearest to each centroid or a seeded draw.</summary>
public static class ClusterSampling
{
    /// <summary>The chosen items by cluster and rank. Items of equal distance go by their place in the input.</summary>
    /// <param name="assignments">Cluster of each item, 0 to <paramref name="clusters"/> − 1.</param>
    /// <param name="distances">Distance of each item to its centroid; only read for <see cref="Pick.Nearest"/>.</param>
    /// <param name="clusters">Number of clusters.</param>
    /// <param name="target">How many items to choose in all.</param>
    /// <param name="pick">Which items a cluster gives first.</param>
    /// <param name="seed">Seed of a random pick; each cluster draws its own numbers.</param>
    public static IReadOnlyList<Picked> Choose(
        IReadOnlyList<int> assignments, IReadOnlyList<double> distances, int clusters, int target, Pick pick, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(assignments);
        ArgumentNullException.ThrowIfNull(distances);
        var members = new List<int>[clusters];
        for (var c = 0; c < clusters; c++) members[c] = [];
        for (var i = 0; i < assignments.Count; i++) members[assignments[i]].Add(i);
        var quotas = Quota.Allocate(target, [.. members.Select(m => m.Count)]);
        var chosen = new List<Picked>(Math.Min(target, assignments.Count));
        for (var c = 0; c < clusters; c++)
        {
            Order(members[c], c);
            for (var rank = 0; rank < quotas[c]; rank++) chosen.Add(new Picked(members[c][rank], c, rank));
        }

        return chosen;

        void Order(List<int> items, int cluster)
        {
            if (pick == Pick.Nearest)
            {
                items.Sort((a, b) => distances[a].CompareTo(distances[b]) is not 0 and var order ? order : a.CompareTo(b));
            }
            else
            {
                new DeterministicRandom(string.Create(CultureInfo.InvariantCulture, $"pick/{seed}/{cluster}")).Shuffle(CollectionsMarshal.AsSpan(items));
            }
        }
    }
}
