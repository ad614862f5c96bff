using TorchSharp;
using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Tests.Models;

/// <summary>What no golden model has.</summary>
public sealed class DecoderTests : IDisposable
{
    private static readonly DecoderConfig s_small = TestModels.Tiny().Config with { MaxPositions = 8 };
    private readonly DisposeScope _scope = NewDisposeScope();

    [GoldenTheory("models")]
    [MemberData(nameof(GoldenModelTests.Models), MemberType = typeof(GoldenModelTests))]
    public void ToJson_OfEveryFamily_IsReadBack(string name)
    {
        var config = DecoderConfig.Load(Golden.Folder("models", name));
        var folder = Directory.CreateTempSubdirectory("xi-config");
        File.WriteAllText(Path.Combine(folder.FullName, "config.json"), config.ToJson());
        DecoderConfig.Load(folder.FullName).ShouldBe(config);
        folder.Delete(recursive: true);
    }

    [Fact]
    public void Families_All_AreInTheDocs()
    {
        var page = File.ReadAllText(Golden.Copied("../../docs/recipe.md"));
        FamilyNames.Families.ShouldAllBe(family => page.Contains($"`{family}`"));
    }

    [Fact]
    public void Hidden_LlamaWithBiases_AddsThem()
    {
        using var model = new Decoder(s_small with { QueryKeyValueBias = true, OutputBias = true, FeedForwardBias = true });
        Set(model, "model.layers.0.self_attn.v_proj.bias", ones(16) * 5);
        Set(model, "model.layers.0.self_attn.o_proj.weight", eye(16));
        Set(model, "model.layers.0.self_attn.o_proj.bias", ones(16) * 2);
        Set(model, "model.layers.0.mlp.down_proj.bias", ones(16));
        using var noGrad = no_grad();
        // Nothing else is not zero: 5 from the values, 2 and 1 from the matrices after them.
        model.HiddenStates(Ids(3))[1].data<float>().ToArray().ShouldAllBe(value => value == 8);
    }

    [Fact]
    public void Hidden_LinearScaling_StretchesPositions()
    {
        using var plain = Decoder.Random(s_small, 1);
        using var scaled = Decoder.Random(s_small with { RopeScaling = new RopeScaling("linear", 4, 0, 0, 0) }, 1);
        using var noGrad = no_grad();
        using var every4th = arange(0, 8 * 4, 4).unsqueeze(0);
        Same(scaled.Hidden(Ids(8), positions: every4th), plain.Hidden(Ids(8)), 1e-5).ShouldBeTrue();
        Same(scaled.Hidden(Ids(8)), plain.Hidden(Ids(8)), 1e-3).ShouldBeFalse();
    }

    [Theory]
    [InlineData(8)]
    [InlineData(20)]
    public void Hidden_DynamicScaling_RaisesTheBaseOnlyOfLongTexts(int length)
    {
        const double factor = 2;
        var theta = s_small.RopeTheta * (length <= 8 ? 1 : Math.Pow((factor * length / 8) - (factor - 1), 8 / 6.0));
        using var expected = Decoder.Random(s_small with { RopeTheta = theta }, 1);
        using var scaled = Decoder.Random(s_small with { RopeScaling = new RopeScaling("dynamic", factor, 0, 0, 8) }, 1);
        using var noGrad = no_grad();
        Same(scaled.Hidden(Ids(length)), expected.Hidden(Ids(length)), 1e-6).ShouldBeTrue();
        Same(scaled.Hidden(Ids(8)), scaled.Hidden(Ids(8), positions: arange(0, 8).unsqueeze(0)), 1e-6).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Hidden_SlidingWindowInSteps_IsAsAtOnce(int fromLayer)
    {
        using var model = Decoder.Random(s_small with { SlidingWindow = 3, WindowFromLayer = fromLayer }, 1);
        using var wide = Decoder.Random(s_small, 1);
        using var noGrad = no_grad();
        var ids = Ids(12);
        var all = model.Hidden(ids);
        Same(all, wide.Hidden(ids), 1e-3).ShouldBeFalse();
        using var cache = new KeyValueCache();
        foreach (var (from, count) in new[] { (0, 5), (5, 1), (6, 4), (10, 1), (11, 1) })
            Same(model.Hidden(ids.narrow(1, from, count), cache: cache), all.narrow(1, from, count), 1e-5).ShouldBeTrue($"from {from}");
    }

    [Fact]
    public void Logits_BFloat16_AreNearThoseOfFloat32()
    {
        foreach (var (_, folder) in Golden.Folders("models"))
        {
            using var full = XInstruct.Training.Checkpoints.Checkpoint.Load(folder, CPU);
            using var half = new Decoder(full.Config, type: ScalarType.BFloat16);
            using var noGrad = no_grad();
            foreach (var ((_, to), (_, from)) in half.named_parameters().Zip(full.named_parameters())) to.copy_(from);
            var (expected, actual) = (full.call(Ids(10)), half.call(Ids(10)));
            actual.dtype.ShouldBe(ScalarType.BFloat16);
            var error = ((actual.to_type(ScalarType.Float32) - expected).norm() / expected.norm()).item<float>();
            error.ShouldBeInRange(1e-4f, 0.06f, folder);
        }
    }

    public void Dispose() => _scope.Dispose();

    private static Tensor Ids(int count) => arange(1, count + 1).unsqueeze(0);

    private static bool Same(Tensor a, Tensor b, double tolerance) => (a - b).abs().max().item<float>() <= tolerance;

    private static void Set(Decoder model, string name, Tensor value)
    {
        using var noGrad = no_grad();
        model.named_parameters().Single(p => p.name == name).parameter.copy_(value);
    }
}
