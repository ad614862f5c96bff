using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>Rotary position embeddings (Su et al. 2021), rotating halves as Hugging Face does, with linear and Llama 3 scaling.</summary>
internal sealed class Rotary(DecoderConfig config) : IDisposable
{
    private readonly double[] _frequencies = Frequencies(config);
    private readonly List<Tensor> _tables = [];
    private readonly Lock _gate = new();
    private Tensor? _cos;
    private Tensor? _sin;
    private long _length;

    /// <summary>Cosines and sines of positions: (B, 1, T, D) for given positions, else (1, 1, T, D) for 0…T−1.</summary>
    public (Tensor Cos, Tensor Sin) At(Tensor? positions, long from, long count, long longest, Device device)
    {
        Tensor cos, sin;
        // A model may generate for several callers at once.
        lock (_gate)
        {
            Fill(longest, device);
            (cos, sin) = (_cos!, _sin!);
        }

        if (positions is null) return (cos.narrow(0, from, count), sin.narrow(0, from, count));
        var shape = positions.shape; // (B, T)
        var flat = positions.reshape(-1);
        return (
            cos.index_select(0, flat).reshape(shape[0], 1, shape[1], config.HeadSize),
            sin.index_select(0, flat).reshape(shape[0], 1, shape[1], config.HeadSize));
    }

    /// <summary>Rotates (B, H, T, D).</summary>
    public Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        var half = config.HeadSize / 2;
        var turned = cat([x.narrow(3, half, half).neg(), x.narrow(3, 0, half)], 3);
        return (x * cos) + (turned * sin);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var table in _tables) table.Dispose();
        _tables.Clear();
    }

    private void Fill(long longest, Device device)
    {
        if (_cos is not null && longest <= _length && _cos.device.type == device.type) return;
        // A shorter table may still be in use: it goes with the model.
        _length = Math.Max(longest, Math.Max(256, _length * 2));
        var half = _frequencies.Length;
        var (cosines, sines) = (new float[_length * half * 2], new float[_length * half * 2]);
        for (var p = 0; p < _length; p++)
        {
            for (var i = 0; i < half; i++)
            {
                // transformers works out the angle in float32.
                var angle = p * (float)_frequencies[i];
                var at = (p * half * 2) + i;
                (cosines[at], sines[at]) = (MathF.Cos(angle), MathF.Sin(angle));
                (cosines[at + half], sines[at + half]) = (cosines[at], sines[at]);
            }
        }

        _cos = tensor(cosines, [_length, half * 2], device: device).DetachFromDisposeScope();
        _sin = tensor(sines, [_length, half * 2], device: device).DetachFromDisposeScope();
        _tables.AddRange([_cos, _sin]);
    }

    private static double[] Frequencies(DecoderConfig config)
    {
        var half = config.HeadSize / 2;
        var plain = Enumerable.Range(0, half).Select(i => 1.0 / Math.Pow(config.RopeTheta, 2.0 * i / config.HeadSize)).ToArray();
        return config.RopeScaling switch
        {
            null => plain,
            { Kind: "linear" } r => [.. plain.Select(f => f / r.Factor)],
            var r => [.. plain.Select(f => Llama3(f, r))],
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
