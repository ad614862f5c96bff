using XInstruct.Domain.Statistics;

namespace XInstruct.Domain.Curation;

/// <summary>
/// Groups of rows of similar length (KoQuality): the quantiles of the lengths at 1/L, 2/L, … cut them, with linear interpolation. A length that is a quantile belongs above it;
/// where quantiles coincide the groups between them are empty.
/// </summary>
public sealed class LengthGroups
{
    private readonly double[] _starts;

    /// <summary>Cuts lengths.</summary>
    /// <param name="lengths">Lengths of all rows, in any order; at least one.</param>
    /// <param name="count">Groups, at least one.</param>
    public LengthGroups(IEnumerable<int> lengths, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        double[] sorted = [.. lengths.Select(length => (double)length).Order()];
        if (sorted.Length == 0) throw new ArgumentException("There must be a row.", nameof(lengths));
        _starts = [.. Enumerable.Range(0, count).Select(i => Bootstrap.Quantile(sorted, i / (double)count))];
    }

    /// <summary>The shortest length of each group.</summary>
    public IReadOnlyList<double> Starts => _starts;

    /// <summary>Number of the group of a length, from 0.</summary>
    public int Of(int length) => Math.Max(0, Array.FindLastIndex(_starts, start => start <= length));
}
