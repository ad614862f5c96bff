namespace XInstruct.Domain.Selection;

/// <summary>How many samples each cluster gives (methods section 1): equal shares, and what small clusters cannot fill goes to the others.</summary>
public static class Quota
{
    /// <summary>
    /// Shares <paramref name="target"/> out. Each cluster's share starts at ceil(target / k); a cluster smaller than its share gives all it has
    /// and the rest is shared equally among the others, again and again; an uneven remainder goes to the clusters that come first.
    /// </summary>
    /// <returns>One number a cluster; their sum is the smaller of target and everything there is.</returns>
    public static IReadOnlyList<int> Allocate(int target, IReadOnlyList<int> sizes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(target);
        ArgumentNullException.ThrowIfNull(sizes);
        if (sizes.Any(size => size < 0)) throw new ArgumentException("A cluster's size is never negative.", nameof(sizes));
        var level = Level(target, sizes);
        int[] shares = [.. sizes.Select(size => Math.Min(size, level))];
        var left = target - shares.Sum(share => (long)share);
        for (var i = 0; i < shares.Length && left > 0; i++)
        {
            if (shares[i] >= sizes[i]) continue;
            shares[i]++;
            left--;
        }

        return shares;
    }

    /// <summary>The highest share that all clusters can be offered without going over the target: where the repeated redistribution ends.</summary>
    private static int Level(int target, IReadOnlyList<int> sizes)
    {
        int low = 0, high = sizes.Count == 0 ? 0 : sizes.Max();
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            if (sizes.Sum(size => (long)Math.Min(size, middle)) <= target) low = middle;
            else high = middle - 1;
        }

        return low;
    }
}
