namespace XInstruct.Activities.Building;

/// <summary>Draws the items with the smallest lots: whatever the order in which they come, and however they are shared out.</summary>
/// <param name="count">How many.</param>
internal sealed class RowDraw<T>(int count)
{
    private readonly PriorityQueue<(ulong Lot, long Order, T Item), (ulong Lot, long Order)> _drawn = new(Comparer<(ulong, long)>.Create((a, b) => b.CompareTo(a)));
    private long _order;

    /// <summary>Items that were not drawn.</summary>
    public long Undrawn { get; private set; }

    /// <summary>Adds an item; of equal lots the first counts as smaller.</summary>
    public void Add(ulong lot, T item)
    {
        var key = (lot, _order++);
        if (_drawn.Count < count) _drawn.Enqueue((lot, key.Item2, item), key);
        else
        {
            _drawn.EnqueueDequeue((lot, key.Item2, item), key);
            Undrawn++;
        }
    }

    /// <summary>The items drawn, by lot.</summary>
    public IEnumerable<T> Drawn() => _drawn.UnorderedItems.Select(entry => entry.Element).OrderBy(entry => entry.Lot).ThenBy(entry => entry.Order).Select(entry => entry.Item);
}
