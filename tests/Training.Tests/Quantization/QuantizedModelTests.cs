using TorchSharp;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Models;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tuning;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Quantization;

public sealed class QuantizedModelTests(ITestOutputHelper output) : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("xi-quantized");

    [Theory]
    [InlineData(WeightCodes.Nf4, 64, false, 0.3)]
    [InlineData(WeightCodes.Nf4, 64, true, 0.3)]
    [InlineData(WeightCodes.Fp4, 64, false, 0.4)]
    [InlineData(WeightCodes.Dynamic8, 256, false, 0.03)]
    [InlineData(WeightCodes.Int8, 0, false, 0.03)]
    public void Load_Quantized_IsTheModelWithItsWeightsRounded(WeightCodes codes, int block, bool twice, double tolerance)
    {
        var options = new QuantizationOptions { Codes = codes, BlockSize = block, Double = twice };
        foreach (var name in new[] { "llama_gqa", "gpt_neox", "gemma" })
        {
            var folder = TestModels.GoldenPath(name, "");
            using var quantized = Checkpoint.Load(folder, CPU, quantization: options);
            using var model = Checkpoint.Load(folder, CPU);
            using var noGrad = no_grad();
            var ids = arange(1, 12).unsqueeze(0);
            var plain = model.call(ids);
            foreach (var layer in model.modules().OfType<Projection>().Where(l => l.OutputSize != model.Config.VocabularySize))
            {
                using var rounded = QuantizedTensor.Of(layer.Weight, options);
                layer.Weight.copy_(rounded.Dequantize(ScalarType.Float32));
            }

            quantized.IsQuantized.ShouldBeTrue();
            quantized.call(ids).Equals(model.call(ids)).ShouldBeTrue(name);
            var error = ((quantized.call(ids) - plain).norm() / plain.norm()).item<float>();
            ((double)error).ShouldBeInRange(1e-4, tolerance * 2, name);
            Should.Throw<InvalidOperationException>(() => Checkpoint.Save(quantized, _folder.FullName)).Message.ShouldContain("quantised");
        }
    }

    [Theory]
    [InlineData(7, 4)]
    [InlineData(5, 64)]
    [InlineData(9, 1)]
    public void Of_SizesThatDoNotDivide_KeepEveryElement(int rows, int block)
    {
        using var weight = randn(rows, 3);
        foreach (var codes in Enum.GetValues<WeightCodes>())
        {
            using var quantized = QuantizedTensor.Of(weight, new QuantizationOptions { Codes = codes, BlockSize = block, Double = true });
            quantized.Dequantize(ScalarType.Float32).shape.ShouldBe(weight.shape);
            (quantized.Dequantize(ScalarType.Float32) - weight).abs().max().item<float>().ShouldBeLessThan(1f, $"{codes}");
        }

        using var nothing = QuantizedTensor.Of(zeros(4, 4), new QuantizationOptions());
        nothing.Dequantize(ScalarType.BFloat16).abs().max().to_type(ScalarType.Float32).item<float>().ShouldBe(0);
    }

    [Fact]
    public void Bytes_DoubleQuantised_AreLittleMoreThanFourBits()
    {
        using var weight = randn(512, 512);
        using var quantized = QuantizedTensor.Of(weight, new QuantizationOptions { Double = true });
        // 4 bits, 8/64 for the scales, and the tables.
        ((double)quantized.Bytes).ShouldBeLessThan((512 * 512 * 4.14 / 8) + 4096);
    }

    [Fact]
    public void Train_AdapterOnQuantizedModel_LearnsWithNoLeftoverTensors()
    {
        using (var model = TestModels.Tiny()) Checkpoint.Save(model, _folder.FullName);
        using var quantized = Checkpoint.Load(_folder.FullName, CPU, quantization: new QuantizationOptions { Double = true });
        var adapter = Adapter.Attach(quantized, new AdapterOptions { Rank = 4, Alpha = 8 }, 1);
        adapter.TotalParameters.ShouldBe(adapter.TrainableParameters + ParameterTable.Of(quantized.Config).Sum(p => p.Shape.Aggregate(1L, (a, b) => a * b)));
        var examples = Enumerable.Range(0, 8).Select(i => new TrainingExample([1], [10 + i], [2], [30 + (i % 4), 3])).ToArray();
        var options = new TrainingOptions { Budget = StepBudget.Steps(40), BatchTokens = 64, Optimizer = new OptimizerOptions { LearningRate = 0.02 } };
        var report = SupervisedTrainer.Train(quantized, examples, options);
        report.LastLoss.ShouldBeLessThan(report.FirstLoss / 2);
        var live = Tensor.TotalCount;
        SupervisedTrainer.Train(quantized, examples, options with { Budget = StepBudget.Steps(3) });
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Tensor.TotalCount.ShouldBeLessThanOrEqualTo(live);
        Should.Throw<InvalidOperationException>(adapter.Merge).Message.ShouldContain("quantised");
    }

    [Fact]
    public void Backward_ThroughCodes_GivesTheGradientsOfTheRoundedWeights()
    {
        var options = new QuantizationOptions { Double = true };
        var folder = TestModels.GoldenPath("gpt_neox", "");
        using var quantized = Checkpoint.Load(folder, CPU, quantization: options);
        using var model = Checkpoint.Load(folder, CPU);
        using (no_grad())
        {
            foreach (var layer in model.modules().OfType<Projection>().Where(l => l.OutputSize != model.Config.VocabularySize))
            {
                using var rounded = QuantizedTensor.Of(layer.Weight, options);
                layer.Weight.copy_(rounded.Dequantize(ScalarType.Float32));
            }
        }

        Dictionary<string, float[]> Gradients(Decoder decoder)
        {
            Adapter.Attach(decoder, new AdapterOptions { Rank = 3 }, 5);
            using (no_grad())
            {
                foreach (var (name, parameter) in decoder.named_parameters().Where(p => p.name.EndsWith("lora_B.weight", StringComparison.Ordinal))) parameter.fill_(0.01);
            }

            OptimizationSession.MeanLoss(decoder, [new TrainingRow([1, 2, 3, 4, 5, 6, 7], 2, 1), new TrainingRow([9, 8, 7], 1, 1)], 0).backward();
            return decoder.named_parameters().Where(p => p.parameter.requires_grad).ToDictionary(p => p.name, p => p.parameter.grad!.data<float>().ToArray(), StringComparer.Ordinal);
        }

        var (expected, actual) = (Gradients(model), Gradients(quantized));
        actual.Keys.ShouldBe(expected.Keys);
        foreach (var (name, values) in expected)
        {
            values.ShouldContain(value => value != 0, name);
            for (var i = 0; i < values.Length; i++) ((double)actual[name][i]).ShouldBe(values[i], 1e-5 * Math.Max(1, Math.Abs(values[i])), name);
        }
    }

    [Fact]
    public void Train_QuantizedModel_NeverHoldsTheWholeModelInFull()
    {
        var config = TestModels.Tiny().Config with { HiddenSize = 512, HeadSize = 256, IntermediateSize = 2048, Layers = 12 };
        using (var model = new Decoder(config)) Checkpoint.Save(model, _folder.FullName);
        _ = ProcessMemory.ReturnFree();
        ProcessMemory.ForgetPeak();
        var before = ProcessMemory.Peak();
        using (var model = Checkpoint.Load(_folder.FullName, CPU, quantization: new QuantizationOptions { Double = true }))
        {
            Adapter.Attach(model, new AdapterOptions { Rank = 2 }, 1);
            var report = SupervisedTrainer.Train(model, [new TrainingExample([1], [5, 6, 7], [2], [8, 3])], new TrainingOptions { Budget = StepBudget.Steps(2), BatchTokens = 64 });
            report.Steps.ShouldBe(2);
        }

        var full = 4 * ParameterTable.Of(config).Sum(p => p.Shape.Aggregate(1L, (a, b) => a * b));
        var above = ProcessMemory.Peak() - before;
        output.WriteLine($"{above >> 20} MB for training with codes; the weights alone take {full >> 20} MB in float32");
        // The allocator keeps some of what was freed; with the matrices kept by the graph it is twice the weights.
        above.ShouldBeLessThan(full);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Delete(recursive: true);
    }
}
