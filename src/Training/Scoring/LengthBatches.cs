using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.Training.Scoring;

/// <summary>Cuts a list into batches of neighbours in length, fixed by the list.</summary>
internal static class LengthBatches
{
    /// <summary>Indices of each batch; rows times longest row stay within <paramref name="batchTokens"/> unless one row alone is longer.</summary>
    public static IEnumerable<int[]> Of<T>(IReadOnlyList<T> items, Func<T, int> length, int batchTokens)
    {
        var order = Enumerable.Range(0, items.Count).OrderBy(index => length(items[index])).ToArray();
        var start = 0;
        for (var i = 1; i <= order.Length; i++)
        {
            if (i < order.Length && length(items[order[i]]) * (long)(i + 1 - start) <= batchTokens)
                continue;
            yield return order[start..i];
            start = i;
        }
    }
}

/// <summary>Token rows as one tensor, padded on the right with 0, which a causal model never sees.</summary>
internal static class PaddedRows
{
    /// <summary>(rows, length) int64; longer rows are cut.</summary>
    public static Tensor Tensor(IReadOnlyList<int[]> rows, int length, Device device)
    {
        var ids = new long[rows.Count * length];
        for (var i = 0; i < rows.Count; i++)
        {
            for (var t = 0; t < Math.Min(length, rows[i].Length); t++)
                ids[(i * length) + t] = rows[i][t];
        }
        return tensor(ids, [rows.Count, length], device: device);
    }
}
