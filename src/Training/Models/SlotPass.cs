using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>New tokens of one text.</summary>
/// <param name="Slot">Where its keys and values are.</param>
/// <param name="Before">Its tokens that are in the cache.</param>
/// <param name="Ids">The new ones.</param>
/// <param name="Length">The text's length, for rope scaling that looks at it: of a prompt taken in pieces, all of it.</param>
internal readonly record struct SlotRow(int Slot, int Before, ReadOnlyMemory<int> Ids, int Length);

/// <summary>One pass over new tokens of several texts, padded on the right: what padding writes into the cache is overwritten or never seen.</summary>
internal sealed class SlotPass
{
    private readonly SlotCache _cache;
    private readonly IReadOnlyList<SlotRow> _rows;
    private readonly Tensor _positions;
    private readonly Tensor _slots;
    private readonly int _count;
    private readonly long _seen;

    /// <summary>Makes room in the cache and takes the ids to the device, in one transfer.</summary>
    public SlotPass(SlotCache cache, IReadOnlyList<SlotRow> rows)
    {
        (_cache, _rows) = (cache, rows);
        _count = rows.Max(row => row.Ids.Length);
        _seen = rows.Max(row => row.Before) + _count;
        cache.Reserve(rows.Max(row => row.Slot) + 1, _seen);
        var width = (2 * _count) + 1;
        var numbers = new long[rows.Count * width];
        for (var i = 0; i < rows.Count; i++)
        {
            var line = numbers.AsSpan(i * width, width);
            var ids = rows[i].Ids.Span;
            for (var t = 0; t < _count; t++) (line[t], line[_count + t]) = (t < ids.Length ? ids[t] : 0, rows[i].Before + t);
            line[^1] = rows[i].Slot;
        }

        var all = tensor(numbers, [rows.Count, width], device: cache.Device);
        (Ids, _positions, _slots) = (all.narrow(1, 0, _count), all.narrow(1, _count, _count), all.narrow(1, 2L * _count, 1));
    }

    /// <summary>(B, T) int64.</summary>
    public Tensor Ids { get; }

    /// <summary>Indices of each row's last new token in (B · T).</summary>
    public Tensor LastOfRows() => tensor([.. _rows.Select((row, i) => ((long)i * _count) + row.Ids.Length - 1)], device: _cache.Device);

    /// <summary>What every layer shares.</summary>
    public Pass Start(DecoderConfig config, Rotary rotary, ScalarType type)
    {
        var (cos, sin) = rotary.Rows(_positions, _seen, [.. _rows.Select(row => (long)row.Length)], _cache.Device, type);
        var heads = arange(config.KeyValueHeads, ScalarType.Int64, _cache.Device).unsqueeze(0); // (1, H)
        var starts = (_slots * config.KeyValueHeads).add(heads) * _cache.Capacity; // (B, H)
        var places = starts.unsqueeze(2).add(_positions.unsqueeze(1)).reshape(-1); // (B · H · T)
        var (mask, window) = Masks(config.SlidingWindow);
        var isRange = true;
        for (var i = 1; i < _rows.Count; i++) isRange &= _rows[i].Slot == _rows[0].Slot + i;
        var slots = isRange ? null : _slots.reshape(-1);
        return new Pass(cos, sin, mask, window, Append);

        (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
        {
            var ((allKeys, allValues), lines) = (_cache.Layer(layer), _cache.Lines(layer));
            lines.Keys.index_copy_(0, places, keys.reshape(-1, config.HeadSize));
            lines.Values.index_copy_(0, places, values.reshape(-1, config.HeadSize));
            return (Seen(allKeys), Seen(allValues));
        }

        // (B, H, S, D), as far as possible without a copy.
        Tensor Seen(Tensor all) => (slots is null ? all.narrow(0, _rows[0].Slot, _rows.Count) : all.index_select(0, slots)).narrow(2, 0, _seen);
    }

    // Worked out on the device from the positions: (B, 1, T, S).
    private (Tensor? Mask, Tensor? Window) Masks(int? size)
    {
        var areEnds = _rows.All(row => row.Before + 1 == _seen);
        if (areEnds && (size is null || _seen <= size)) return (null, null);
        var columns = arange(_seen, ScalarType.Int64, _cache.Device); // (S)
        var lines = _positions.unsqueeze(1).unsqueeze(3); // (B, 1, T, 1)
        var seen = columns.le(lines);
        var mask = areEnds ? null : Added(seen);
        return (mask, size is { } window && _seen > window ? Added(seen.logical_and(columns.gt(lines - window))) : mask);

        static Tensor Added(Tensor seen) => (1 - seen.to_type(ScalarType.Float32)).mul(Decoder.Masked);
    }
}
