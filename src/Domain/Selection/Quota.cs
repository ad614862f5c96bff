namespace XInstruct.Domain.Selection;

/// <summary>How many samples each cluster gives.</summary>
public static class Quota
{
    /// <summary>
    /// Every cluster gives ceil(target / clusters) or all it has; what small clusters leave is shared out again among those that have more,
    /// until the target is met or nothing is left. The last samples too many are taken back from the highest cluster numbers.
    /// </summary>
    /// <returns>One number a cluster; their sum is min(target, sum of sizes).</returns>
    public static IReadOnlyList<int> Allocate(int target, IReadOnlyList<int> sizes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(target);
        var quotas = new int[sizes.Count];
        var left = Math.Min(target, sizes.Sum());
        while (left > 0)
        {
            var open = Enumerable.Range(0, sizes.Count).Where(i => quotas[i] < sizes[i]).ToList();
            var share = (left + open.Count - 1) / open.Count;
            foreach (var cluster in open)
            {
                var more = Math.Min(Math.Min(share, sizes[cluster] - quotas[cluster]), left);
                quotas[cluster] += more;
                left -= more;
            }
        }

        return quotas;
    }
}
