using System.Runtime.InteropServices;
using TorchSharp;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>
/// Dropout whose masks come from the model's own seeded sequence. The tensor library's generator belongs to the whole process: with it, two
/// trainings at once would change each other's result; it is also several times slower.
/// </summary>
/// <param name="share">Share of values set to 0 in training, in steps of 1/65536; the others are scaled so that the mean stays.</param>
internal sealed class Dropout(double share)
{
    private readonly int _threshold = (int)Math.Round(share * 65536);
    private DeterministicRandom _random = new(0);

    /// <summary>Starts the sequence of masks of a seed.</summary>
    public void Seed(ulong seed) => _random = new DeterministicRandom(seed, 0xD0);

    /// <summary>Where in its sequence of masks it is: given back, the same masks come again.</summary>
    public (ulong, ulong, ulong, ulong) State
    {
        get => _random.State;
        set => _random.State = value;
    }

    /// <summary>Drops values of a module in training.</summary>
    public Tensor Apply(Tensor x, bool training)
    {
        if (!training || _threshold == 0) return x;
        // Sending masks to an accelerator would cost much: it draws its own, from a seed of the sequence.
        if (x.device.type != DeviceType.CPU)
        {
            using var generator = new Generator(_random.NextUInt64(), x.device);
            using var drawn = empty(x.shape, ScalarType.Float32, x.device).bernoulli_(1 - share, generator).mul_(1 / (1 - share));
            return x.mul(drawn.to_type(x.dtype));
        }

        using var mask = empty(x.shape, ScalarType.Float32);
        Fill(MemoryMarshal.Cast<byte, float>(mask.bytes), 1f / (1 - (_threshold / 65536f)));
        return x.mul(mask.to_type(x.dtype));
    }

    private void Fill(Span<float> mask, float kept)
    {
        for (var i = 0; i < mask.Length; i += 4)
        {
            var bits = _random.NextUInt64();
            for (var j = i; j < Math.Min(i + 4, mask.Length); j++, bits >>= 16)
                mask[j] = (int)(bits & 0xFFFF) >= _threshold ? kept : 0;
        }
    }
}
