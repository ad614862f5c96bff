namespace XInstruct.Training.Scoring;

/// <summary>Cuts a list into batches of neighbours in length, fixed by the list.</summary>
public static class LengthBatches
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
