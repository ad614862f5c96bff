using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Quantization;

/// <summary>A matrix held as codes and a scale a block; it is worked out again each time it is used.</summary>
internal sealed class QuantizedTensor : IDisposable
{
    private const int ScaleBlock = 256;
    private readonly QuantizationOptions _options;
    private readonly long[] _shape;
    private readonly int _block;
    private readonly Tensor _codes;
    private readonly Tensor _table;
    private readonly Tensor? _scales;
    private readonly (QuantizedTensor Codes, float Offset)? _double;

    private QuantizedTensor(QuantizationOptions options, long[] shape, int block, Tensor codes, Tensor table, Tensor scales)
    {
        (_options, _shape, _block) = (options, shape, block);
        _codes = codes.contiguous().DetachFromDisposeScope();
        _table = table.DetachFromDisposeScope();
        if (options.Double)
        {
            var offset = scales.mean();
            _double = (Of(scales.sub(offset), new QuantizationOptions { Codes = WeightCodes.Dynamic8, BlockSize = ScaleBlock }), offset.item<float>());
        }
        else
        {
            _scales = scales.DetachFromDisposeScope();
        }
    }

    /// <summary>The codes: two a byte, the first in the high half, for 4 bits; else one a byte.</summary>
    public Tensor Codes => _codes;

    /// <summary>The scales' own codes when they are held in 8 bits.</summary>
    public QuantizedTensor? ScaleCodes => _double?.Codes;

    /// <summary>The mean that was taken from the scales before they became codes.</summary>
    public float Offset => _double?.Offset ?? 0;

    public Device Device => _codes.device;

    /// <summary>Bytes on the device.</summary>
    public long Bytes => _codes.numel() + (_table.numel() * 4) + (_scales?.numel() * 4 ?? 0) + (_double?.Codes.Bytes ?? 0);

    private bool IsFourBit => _options.Codes is WeightCodes.Nf4 or WeightCodes.Fp4;

    /// <summary>Codes and scales of a tensor, where it lies.</summary>
    public static QuantizedTensor Of(Tensor weight, QuantizationOptions options)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var block = options.BlockSize > 0 ? options.BlockSize : (int)weight.shape[^1];
        var flat = weight.detach().To32().reshape(-1);
        var count = flat.numel();
        var whole = (count + block - 1) / block * block;
        flat = Padded(flat, whole);
        var blocks = flat.view(-1, block);
        var scales = blocks.abs().amax(1);
        // A block of zeros has no scale; its codes are those of 0.
        var divisor = scales.clamp_min(float.Epsilon).unsqueeze(1);
        var values = options.Codes switch
        {
            WeightCodes.Nf4 => CodeTable.Nf4,
            WeightCodes.Fp4 => CodeTable.Fp4,
            WeightCodes.Dynamic8 => CodeTable.Dynamic8,
            _ => [],
        };
        var table = tensor(values, device: flat.device);
        if (options.Codes == WeightCodes.Int8)
            return new QuantizedTensor(options, weight.shape, block, (blocks * 127).div(divisor).round().to_type(ScalarType.Int8).view(-1).narrow(0, 0, count), table, scales);
        var codes = Nearest(blocks.div(divisor).view(-1).narrow(0, 0, count), values);
        if (options.Codes == WeightCodes.Dynamic8) return new QuantizedTensor(options, weight.shape, block, codes, table, scales);
        var halves = Padded(codes, count + (count % 2)).view(-1, 2);
        // Both values that a byte stands for, so that one look-up gives two elements.
        float[] pairs = [.. Enumerable.Range(0, 256).SelectMany(both => new[] { values[both >> 4], values[both & 15] })];
        return new QuantizedTensor(options, weight.shape, block, halves.select(1, 0).mul(16).add(halves.select(1, 1)), tensor(pairs, [256, 2], device: flat.device), scales);
    }

    /// <summary>The scale of each block.</summary>
    public Tensor Scales() => _scales is not null ? _scales.alias() : _double!.Value.Codes.Dequantize(ScalarType.Float32).add(_double.Value.Offset);

    /// <summary>The matrix that the codes stand for.</summary>
    public Tensor Dequantize(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var count = _shape.Aggregate(1L, (a, b) => a * b);
        var shares = _options.Codes == WeightCodes.Int8 ? _codes.to_type(ScalarType.Float32) : _table.index_select(0, _codes.to_type(ScalarType.Int32)).view(-1);
        var scales = Scales();
        if (_options.Codes == WeightCodes.Int8) scales = scales.div(127);
        // An odd number of 4-bit codes has one more that belongs to nothing, and the last block may be short.
        var all = Padded(shares.narrow(0, 0, count), scales.numel() * _block).view(-1, _block).mul(scales.unsqueeze(1)).view(-1);
        return all.narrow(0, 0, count).reshape(_shape).To(type).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _codes.Dispose();
        _table.Dispose();
        _scales?.Dispose();
        _double?.Codes.Dispose();
    }

    private static Tensor Padded(Tensor flat, long length) =>
        length == flat.numel() ? flat : cat([flat, zeros([length - flat.numel()], flat.dtype, flat.device)]);

    /// <summary>The code of the nearest value; of two as near the lower value's.</summary>
    private static Tensor Nearest(Tensor shares, float[] values)
    {
        // Two codes may stand for 0: the first is used.
        var order = Enumerable.Range(0, values.Length).DistinctBy(i => values[i]).OrderBy(i => values[i]).ToArray();
        float[] between = [.. Enumerable.Range(0, order.Length - 1).Select(i => (float)(((double)values[order[i]] + values[order[i + 1]]) / 2))];
        var places = shares.bucketize(tensor(between, device: shares.device), outInt32: true);
        return tensor(order.Select(i => (byte)i).ToArray(), device: shares.device).index_select(0, places);
    }
}
