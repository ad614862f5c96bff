using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>Rotary position embeddings (Su et al. 2021), rotating halves as Hugging Face does, with linear, dynamic (NTK-aware) and Llama 3 scaling.</summary>
internal sealed class Rotary(DecoderConfig config) : IDisposable
{
    private readonly int _size = config.RotarySize;
    private readonly List<Tensor> _tables = [];
    private readonly Lock _gate = new();
    private Tensor? _cos;
    private Tensor? _sin;
    private long _length;

    /// <summary>Cosines and sines of positions: (B, 1, T, D) for given positions, else (T, D) for the count from one on.</summary>
    public (Tensor Cos, Tensor Sin) At(Tensor? positions, long from, long count, long longest, Device device, ScalarType type)
    {
        // The only scaling that looks at the text; it is worked out anew for every length, so nothing depends on what came before.
        var stretch = config.RopeScaling is { Kind: "dynamic" } dynamic
            ? Math.Max(positions is null ? longest : positions.max().item<long>() + 1, dynamic.OriginalPositions)
            : 0;
        var (cos, sin) = stretch > (config.RopeScaling?.OriginalPositions ?? 0) ? Tables(longest, stretch, device, type) : Kept(longest, stretch, device, type);
        return positions is null ? (cos.narrow(0, from, count), sin.narrow(0, from, count)) : (Pick(cos, positions), Pick(sin, positions));
    }

    /// <summary>
    /// Cosines and sines (B, 1, T, D) of rows that are texts of their own: where the scaling looks at the text, each row's own length counts.
    /// </summary>
    /// <param name="positions">(B, T) int64.</param>
    /// <param name="longest">Above every position.</param>
    /// <param name="lengths">The length of each row's text.</param>
    /// <param name="device">Where they are needed.</param>
    /// <param name="type">Their type.</param>
    public (Tensor Cos, Tensor Sin) Rows(Tensor positions, long longest, IReadOnlyList<long> lengths, Device device, ScalarType type)
    {
        var limit = config.RopeScaling is { Kind: "dynamic" } dynamic ? dynamic.OriginalPositions : 0;
        var (cos, sin) = Kept(longest, limit, device, type);
        var (allCos, allSin) = (Pick(cos, positions), Pick(sin, positions));
        if (limit == 0 || lengths.All(length => length <= limit)) return (allCos, allSin);
        for (var i = 0; i < lengths.Count; i++)
        {
            if (lengths[i] <= limit) continue;
            (cos, sin) = Tables(longest, lengths[i], device, type);
            allCos[i].copy_(Pick(cos, positions.narrow(0, i, 1))[0]);
            allSin[i].copy_(Pick(sin, positions.narrow(0, i, 1))[0]);
        }

        return (allCos, allSin);
    }

    /// <summary>Rotates the first values of each head of (B, H, T, D).</summary>
    public Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        if (_size == config.HeadSize) return Rotate(x, cos, sin);
        return cat([Rotate(x.narrow(3, 0, _size), cos, sin), x.narrow(3, _size, config.HeadSize - _size)], 3);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
        _tables.Clear();
    }

    // A row of the table for each of (B, T): (B, 1, T, D).
    private Tensor Pick(Tensor table, Tensor positions) => table.index_select(0, positions.reshape(-1)).reshape(positions.shape[0], 1, positions.shape[1], _size);

    private Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        var half = _size / 2;
        // The sines of the first half carry the sign that its values would.
        var turned = cat([x.narrow(3, half, half), x.narrow(3, 0, half)], 3);
        return (x * cos) + (turned * sin);
    }

    private (Tensor Cos, Tensor Sin) Kept(long longest, long stretch, Device device, ScalarType type)
    {
        // A model may generate for several callers at once.
        lock (_gate)
        {
            if (_cos is null || longest > _length || _cos.device.type != device.type)
            {
                // A shorter table may still be in use: it goes with the model.
                _length = Math.Max(longest, Math.Max(256, _length * 2));
                (_cos, _sin) = Tables(_length, stretch, device, type);
                _tables.AddRange([_cos.DetachFromDisposeScope(), _sin!.DetachFromDisposeScope()]);
            }

            return (_cos, _sin!);
        }
    }

    private (Tensor Cos, Tensor Sin) Tables(long length, long stretch, Device device, ScalarType type)
    {
        var frequencies = Frequencies(stretch);
        var half = frequencies.Length;
        var (cosines, sines) = (new float[length * half * 2], new float[length * half * 2]);
        for (var p = 0; p < length; p++)
        {
            for (var i = 0; i < half; i++)
            {
                // transformers works out the angle in float32.
                var angle = p * (float)frequencies[i];
                var at = (p * half * 2) + i;
                (cosines[at], sines[at]) = (MathF.Cos(angle), MathF.Sin(angle));
                (cosines[at + half], sines[at + half]) = (cosines[at], sines[at]);
                sines[at] = -sines[at];
            }
        }

        return (tensor(cosines, [length, half * 2], type, device), tensor(sines, [length, half * 2], type, device));
    }

    private double[] Frequencies(long stretch)
    {
        var theta = config.RopeTheta;
        if (config.RopeScaling is { Kind: "dynamic" } dynamic)
            theta *= Math.Pow((dynamic.Factor * stretch / dynamic.OriginalPositions) - (dynamic.Factor - 1), _size / (_size - 2.0));
        var plain = Enumerable.Range(0, _size / 2).Select(i => 1.0 / Math.Pow(theta, 2.0 * i / _size)).ToArray();
        return config.RopeScaling switch
        {
            { Kind: "linear" } r => [.. plain.Select(f => f / r.Factor)],
            { Kind: "llama3" } r => [.. plain.Select(f => Llama3(f, r))],
            _ => plain,
        };
    }

    // Llama 3.1: long wavelengths are stretched, short ones kept, those between blended.
    private static double Llama3(double frequency, RopeScaling r)
    {
        var wavelength = 2 * Math.PI / frequency;
        if (wavelength > r.OriginalPositions / r.LowFactor) return frequency / r.Factor;
        if (wavelength < r.OriginalPositions / r.HighFactor) return frequency;
        var smooth = ((r.OriginalPositions / wavelength) - r.LowFactor) / (r.HighFactor - r.LowFactor);
        return ((1 - smooth) * frequency / r.Factor) + (smooth * frequency);
    }
}
