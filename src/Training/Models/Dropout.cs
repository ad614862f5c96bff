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

    /// <summary>Drops values of a module in training.</summary>
    public Tensor Apply(Tensor x, bool training)
    {
        if (!training || _threshold == 0) return x;
        // Sending masks to an accelerator would cost more than the training that is shared there.
        if (x.device.type != DeviceType.CPU) return functional.dropout(x, share, true);
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
