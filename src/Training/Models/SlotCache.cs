using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>
/// Keys and values of texts that come and go, one slot each, in one buffer a layer: (slots, H, capacity, D). It grows by doubling and never while
/// a step's tokens fit.
/// </summary>
internal sealed class SlotCache(DecoderConfig config, Device device, ScalarType type) : IDisposable
{
    private const long Block = 64;
    private readonly (Tensor Keys, Tensor Values)[] _layers = new (Tensor, Tensor)[config.Layers];
    private readonly (Tensor Keys, Tensor Values)[] _lines = new (Tensor, Tensor)[config.Layers];

    /// <summary>Slots there are.</summary>
    public long Slots { get; private set; }

    /// <summary>Tokens that a slot holds.</summary>
    public long Capacity { get; private set; }

    /// <summary>Where the numbers lie.</summary>
    public Device Device => device;


    /// <summary>Makes room; what is there stays.</summary>
    public void Reserve(long slots, long length)
    {
        if (slots <= Slots && length <= Capacity) return;
        var (newSlots, newCapacity) = (Slots, Capacity);
        if (slots > newSlots) newSlots = Math.Max(slots, newSlots * 2);
        if (length > newCapacity) newCapacity = (Math.Max(length, newCapacity * 2) + Block - 1) / Block * Block;
        // All or nothing: what does not fit leaves things as they were.
        var grown = new List<Tensor>(_layers.Length * 2);
        try
        {
            foreach (var (keys, values) in _layers)
            {
                grown.Add(Grown(keys));
                grown.Add(Grown(values));
            }
        }
        catch
        {
            foreach (var one in grown) one.Dispose();
            throw;
        }

        for (var i = 0; i < _layers.Length; i++)
        {
            Dispose(i);
            _layers[i] = (grown[2 * i], grown[(2 * i) + 1]);
            _lines[i] = (grown[2 * i].view(-1, config.HeadSize).DetachFromDisposeScope(), grown[(2 * i) + 1].view(-1, config.HeadSize).DetachFromDisposeScope());
        }

        (Slots, Capacity) = (newSlots, newCapacity);

        Tensor Grown(Tensor? old)
        {
            using var scope = NewDisposeScope();
            var room = zeros([newSlots, config.KeyValueHeads, newCapacity, config.HeadSize], type, device);
            if (old is not null) room.narrow(0, 0, Slots).narrow(2, 0, Capacity).copy_(old);
            return room.DetachFromDisposeScope();
        }
    }

    /// <summary>Copies the first tokens of a slot into another.</summary>
    public void Copy(long from, long to, long length)
    {
        using var scope = NewDisposeScope();
        foreach (var (keys, values) in _layers)
        {
            keys[to].narrow(1, 0, length).copy_(keys[from].narrow(1, 0, length));
            values[to].narrow(1, 0, length).copy_(values[from].narrow(1, 0, length));
        }
    }

    /// <summary>Forgets a slot's numbers, of which some may be none: times zero they would spoil the text that comes next.</summary>
    public void Clear(long slot)
    {
        using var scope = NewDisposeScope();
        foreach (var (keys, values) in _layers)
        {
            keys[slot].zero_();
            values[slot].zero_();
        }
    }

    /// <summary>Keys and values of a layer, (slots, H, capacity, D).</summary>
    public (Tensor Keys, Tensor Values) Layer(int layer) => _layers[layer];

    /// <summary>The same as lines, (slots · H · capacity, D).</summary>
    public (Tensor Keys, Tensor Values) Lines(int layer) => _lines[layer];

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = 0; i < _layers.Length; i++) Dispose(i);
        (Slots, Capacity) = (0, 0);
    }

    private void Dispose(int layer)
    {
        foreach (var one in (Tensor?[])[_lines[layer].Keys, _lines[layer].Values, _layers[layer].Keys, _layers[layer].Values]) one?.Dispose();
    }
}
