using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>Keys and values of the tokens seen so far, one pair a layer, in buffers that double when they are full.</summary>
public sealed class KeyValueCache : IDisposable
{
    private readonly List<(Tensor Keys, Tensor Values)> _layers = [];

    /// <summary>Tokens seen by every layer.</summary>
    public long Length { get; private set; }

    /// <summary>Adds a layer's new keys and values and gives all of them.</summary>
    /// <param name="layer">Layer number.</param>
    /// <param name="keys">(B, H, T, D).</param>
    /// <param name="values">(B, H, T, D).</param>
    /// <param name="before">Tokens seen before these.</param>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values, long before)
    {
        var length = before + keys.shape[2];
        if (layer == _layers.Count) _layers.Add((Room(keys, length + 64), Room(values, length + 64)));
        if (_layers[layer].Keys.shape[2] < length) _layers[layer] = (Grow(_layers[layer].Keys, before, length * 2), Grow(_layers[layer].Values, before, length * 2));
        var (allKeys, allValues) = _layers[layer];
        allKeys.narrow(2, before, keys.shape[2]).copy_(keys);
        allValues.narrow(2, before, values.shape[2]).copy_(values);
        return (allKeys.narrow(2, 0, length), allValues.narrow(2, 0, length));
    }

    /// <summary>All layers have seen so many more tokens.</summary>
    internal void Advance(long tokens) => Length += tokens;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (keys, values) in _layers)
        {
            keys.Dispose();
            values.Dispose();
        }

        _layers.Clear();
        Length = 0;
    }

    private static Tensor Room(Tensor like, long length)
    {
        var shape = like.shape;
        return zeros([shape[0], shape[1], length, shape[3]], like.dtype, like.device).DetachFromDisposeScope();
    }

    private static Tensor Grow(Tensor full, long used, long length)
    {
        var larger = Room(full, length);
        larger.narrow(2, 0, used).copy_(full.narrow(2, 0, used));
        full.Dispose();
        return larger;
    }
}
