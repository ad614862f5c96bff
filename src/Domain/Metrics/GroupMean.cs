namespace XInstruct.Domain.Metrics;

/// <summary>A metric of several tasks or languages as one.</summary>
public static class GroupMean
{
    /// <summary>Mean, each group counting by its items or all alike.</summary>
    public static double Of(IReadOnlyList<(double Mean, int Count)> groups, bool isWeighted = true)
    {
        ArgumentNullException.ThrowIfNull(groups);
        return isWeighted ? groups.Sum(g => g.Mean * g.Count) / groups.Sum(g => g.Count) : groups.Average(g => g.Mean);
    }

    /// <summary>Standard error of the weighted mean from those of the groups, their variances pooled by degrees of freedom.</summary>
    public static double StandardError(IReadOnlyList<(double StandardError, int Count)> groups)
    {
        ArgumentNullException.ThrowIfNull(groups);
        double items = groups.Sum(g => g.Count);
        var variance = groups.Sum(g => (g.Count - 1.0) * g.StandardError * g.StandardError * g.Count) / (items - groups.Count);
        return Math.Sqrt(variance / items);
    }
}
