using TorchSharp;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Quantization;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Quantization;

/// <summary>Codes, scales and values against bitsandbytes.</summary>
public sealed class GoldenQuantizationTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [GoldenFact("quant/expected.json")]
    public void Of_GoldenMatrix_GivesCodesScalesAndValues()
    {
        var file = Golden.Find("quant/expected.json")!;
        var golden = Golden.Json(file);
        var places = Safetensors.ReadHeader(Path.Combine(Path.GetDirectoryName(file)!, golden.GetProperty("tensors_file").GetString()!)).ToDictionary(p => p.Name, StringComparer.Ordinal);
        Tensor Stored(string name) => Safetensors.Read(places[name]);
        var weight = Stored("weight");
        Near(tensor(CodeTable.Dynamic8), Stored("dynamic_map"), 1e-7, "dynamic_map");
        var cases = 0;
        foreach (var item in golden.GetProperty("cases").EnumerateArray())
        {
            var name = item.GetProperty("name").GetString()!;
            var codes = name[..name.IndexOf('_', StringComparison.Ordinal)] switch
            {
                "nf4" => WeightCodes.Nf4,
                "fp4" => WeightCodes.Fp4,
                "dyn8" => WeightCodes.Dynamic8,
                _ => WeightCodes.Int8,
            };
            if (item.TryGetProperty("table", out var table)) Near(tensor(codes == WeightCodes.Nf4 ? CodeTable.Nf4 : CodeTable.Fp4), tensor(table.Doubles().Select(v => (float)v).ToArray()), 1e-7, name);
            using var quantized = QuantizedTensor.Of(weight, new QuantizationOptions { Codes = codes, BlockSize = item.TryGetProperty("block_size", out var size) ? size.GetInt32() : 0 });
            if (codes is WeightCodes.Nf4 or WeightCodes.Fp4)
            {
                quantized.Codes.Equals(Stored(name + ".packed")).ShouldBeTrue(name);
                var halves = stack([quantized.Codes.floor_divide(16), quantized.Codes.remainder(16)], 1);
                halves.reshape(weight.shape).Equals(Stored(name + ".codes")).ShouldBeTrue(name);
            }
            else
            {
                var difference = (quantized.Codes.to_type(ScalarType.Int32) - Stored(name + ".codes").view(-1).to_type(ScalarType.Int32)).abs();
                difference.max().item<int>().ShouldBeLessThanOrEqualTo(codes == WeightCodes.Dynamic8 ? 1 : 0, name);
                ((double)difference.sum().item<long>()).ShouldBeLessThanOrEqualTo(codes == WeightCodes.Dynamic8 ? 0.001 * weight.numel() : 0, name);
            }

            var scales = Stored(name + ".absmax");
            ((quantized.Scales() - scales).abs() / scales).max().item<float>().ShouldBeLessThan(1e-7f, name);
            var values = quantized.Dequantize(ScalarType.Float32);
            Near(values, Stored(name + ".dequant"), 1e-6, name);
            var error = (values - weight).abs();
            ((double)error.mean().item<float>()).ShouldBe(item.GetProperty("mean_abs_error").GetDouble(), 1e-6, name);
            ((double)error.max().item<float>()).ShouldBe(item.GetProperty("max_abs_error").GetDouble(), 1e-5, name);
            cases++;
        }

        var expected = golden.GetProperty("double_quant");
        using var twice = QuantizedTensor.Of(weight, new QuantizationOptions { BlockSize = expected.GetProperty("block_size").GetInt32(), Double = true });
        ((double)twice.Offset).ShouldBe(expected.GetProperty("offset").GetDouble(), 1e-6);
        var same = twice.ScaleCodes!.Codes.eq(Stored("nf4_double.absmax_codes").view(-1)).to_type(ScalarType.Float32);
        ((double)same.mean().item<float>()).ShouldBeGreaterThanOrEqualTo(0.999);
        Near(twice.ScaleCodes.Scales(), Stored("nf4_double.absmax2"), 1e-6, "absmax2");
        Near(twice.Scales() * same, Stored("nf4_double.absmax_dequant") * same, 1e-6, "absmax_dequant");
        output.WriteLine($"quant: {cases + 1} cases");
    }

    public void Dispose() => _scope.Dispose();

    private static void Near(Tensor actual, Tensor expected, double tolerance, string name)
    {
        actual.shape.ShouldBe(expected.shape, name);
        ((double)(actual - expected).abs().max().item<float>()).ShouldBeLessThanOrEqualTo(tolerance, name);
    }
}
