using XInstruct.Training.Models;

namespace XInstruct.Training.Generation;

/// <summary>
/// Which row is in which slot. Rows that are being continued hold the first slots, so that their keys and values are one piece of the cache;
/// rows whose prompt is being read hold others.
/// </summary>
internal sealed class SlotTable(SlotCache cache, int size)
{
    private readonly EngineRow?[] _rows = new EngineRow?[size];

    /// <summary>Rows that are being continued.</summary>
    public int Decoding { get; private set; }

    /// <summary>Rows of both kinds.</summary>
    public int Count { get; private set; }

    public bool IsFull => Count == size;

    /// <summary>Rows that are being continued, in the order of their slots.</summary>
    public IEnumerable<EngineRow> Continued => _rows.Take(Decoding)!;

    /// <summary>Rows whose prompt is being read.</summary>
    public IEnumerable<EngineRow> Reading => _rows.Skip(Decoding).OfType<EngineRow>();

    /// <summary>Gives a new row a slot.</summary>
    public void Add(EngineRow row)
    {
        var free = Array.IndexOf(_rows, null);
        (_rows[free], row.Slot) = (row, free);
        Count++;
    }

    /// <summary>The row's prompt has been read.</summary>
    public void Promote(EngineRow row)
    {
        var to = Decoding++;
        if (row.Slot == to) return;
        var other = _rows[to];
        if (other is not null)
        {
            // Swapped through the slot after the last.
            cache.Reserve(size + 1, cache.Capacity);
            cache.Copy(to, size, other.Filled);
        }

        cache.Copy(row.Slot, to, row.Filled);
        if (other is not null)
        {
            cache.Copy(size, row.Slot, other.Filled);
            other.Slot = row.Slot;
        }

        _rows[row.Slot] = other;
        (_rows[to], row.Slot) = (row, to);
    }

    /// <summary>Frees all slots.</summary>
    public void Clear()
    {
        foreach (var row in _rows) row?.Slot = -1;
        Array.Clear(_rows);
        (Decoding, Count) = (0, 0);
    }

    /// <summary>Frees a row's slot.</summary>
    public void Remove(EngineRow row)
    {
        Count--;
        var slot = row.Slot;
        row.Slot = -1;
        _rows[slot] = null;
        if (slot >= Decoding) return;
        var last = --Decoding;
        if (slot == last) return;
        var moved = _rows[last]!;
        cache.Copy(last, slot, moved.Filled);
        (_rows[slot], moved.Slot, _rows[last]) = (moved, slot, null);
    }
}
