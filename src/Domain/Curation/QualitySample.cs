using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Curation;

/// <summary>Which rows of a cluster are kept, by their published names.</summary>
public enum SampleRule
{
    /// <summary>Evenly over the perplexities, from the lowest on: KoQuality's choice.</summary>
    Ppl,

    /// <summary>By lot.</summary>
    Rand,

    /// <summary>Those of the highest perplexity, no instruction twice.</summary>
    PplH,
}

/// <summary>A row as the sampling of a cluster sees it.</summary>
/// <param name="Index">Number of the row in its file.</param>
/// <param name="Perplexity">Perplexity of its instruction.</param>
/// <param name="Instruction">A number that is the same for equal instructions only, such as a hash.</param>
public readonly record struct SampleCandidate(long Index, double Perplexity, ulong Instruction);

/// <summary>Keeps a share of each cluster (KoQuality).</summary>
public static class QualitySample
{
    /// <summary>The rows of one cluster that are kept.</summary>
    /// <param name="cluster">All its rows; rows of equal perplexity in the order of their numbers.</param>
    /// <param name="rule">Which.</param>
    /// <param name="share">How many of them, above 0 and at most 1. By perplexity every s-th row is kept with s = ⌊1/share⌋, so ⌈n/s⌉; by lot round(share·n); of the highest ⌊share·n⌋.</param>
    /// <param name="seed">Decides the lot.</param>
    public static IReadOnlyList<SampleCandidate> Of(IReadOnlyCollection<SampleCandidate> cluster, SampleRule rule, double share, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(share);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(share, 1);
        var ascending = cluster.OrderBy(row => row.Perplexity).ThenBy(row => row.Index).ToArray();
        switch (rule)
        {
            case SampleRule.Ppl:
                var step = Whole(1 / share);
                return [.. ascending.Where((_, i) => i % step == 0)];
            case SampleRule.Rand:
                // By number, so that the lot does not depend on the perplexities.
                var drawn = cluster.OrderBy(row => row.Index).ToArray();
                new DeterministicRandom(seed).Shuffle<SampleCandidate>(drawn);
                return [.. drawn.Take((int)Math.Round(share * drawn.Length, MidpointRounding.ToEven)).OrderBy(row => row.Index)];
            default:
                return [.. ascending.Reverse().DistinctBy(row => row.Instruction).Take(Whole(share * ascending.Length))];
        }
    }

    // 1/0.01 is a little less than a hundred in binary, and 0.07·100 a little more than seven.
    private static int Whole(double value) => (int)Math.Floor(value + 1e-9);
}
