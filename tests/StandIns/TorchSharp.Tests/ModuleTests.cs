using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.StandIns.Tests;

public sealed class ModuleTests
{
    [Fact]
    public void NamedParameters_NestedModules_CarryComponentNames()
    {
        using var model = new Model();
        model.named_parameters().Select(p => p.name).ShouldBe(["scale", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias", "head.weight"], ignoreOrder: true);
        model.named_buffers().Select(b => b.name).ShouldBe(["table"]);
        model.named_modules().Select(m => m.name).ShouldBe(["layers", "head", "layers.0", "layers.1"], ignoreOrder: true);
        model.state_dict().Keys.Count.ShouldBe(7);
        model.parameters().Count(p => p.requires_grad).ShouldBe(6);
    }

    [Fact]
    public void LoadStateDict_OtherModel_CopiesIt()
    {
        using var scope = NewDisposeScope();
        using var a = new Model();
        using var b = new Model();
        var x = ones(1, 3);
        b.load_state_dict(a.state_dict());
        b.call(x).Equals(a.call(x)).ShouldBeTrue();
        var state = a.state_dict();
        state.Remove("scale");
        Should.Throw<InvalidOperationException>(() => b.load_state_dict(state));
        b.load_state_dict(state, strict: false).missing_keys.ShouldBe(["scale"]);
    }

    [Fact]
    public void TrainAndEval_Module_ReachEveryPart()
    {
        using var model = new Model();
        model.eval();
        model.modules().ShouldAllBe(m => !m.training);
        model.train();
        model.modules().ShouldAllBe(m => m.training);
    }

    [Fact]
    public void To_Type_ReplacesParametersInFieldsToo()
    {
        using var scope = NewDisposeScope();
        using var model = new Model().to(ScalarType.Float64);
        model.parameters().ShouldAllBe(p => p.dtype == ScalarType.Float64 && p.requires_grad);
        model.call(ones([1, 3], ScalarType.Float64)).dtype.ShouldBe(ScalarType.Float64);
    }

    [Fact]
    public void Dispose_Module_FreesItsTensors()
    {
        var before = Tensor.TotalCount;
        new Model().Dispose();
        Tensor.TotalCount.ShouldBe(before);
    }

    [Fact]
    public void Parameter_MadeInAScope_DiesWithIt()
    {
        Parameter parameter;
        using (NewDisposeScope()) parameter = Parameter(ones(1));
        parameter.IsInvalid.ShouldBeTrue();
    }

    [Fact]
    public void RegisterModule_BadNames_AreRefused()
    {
        using var model = new Model();
        using var part = Linear(1, 1);
        Should.Throw<ArgumentException>(() => model.register_module("a.b", part));
        Should.Throw<InvalidOperationException>(() => model.register_module("head", part));
    }

    [Fact]
    public void Layers_Defaults_AreInitialisedAsInPyTorch()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var linear = Linear(100, 50);
        linear.weight.abs().max().item<float>().ShouldBeInRange(0.09f, 0.1f);
        linear.bias!.abs().max().item<float>().ShouldBeInRange(0.08f, 0.1f);
        using var embedding = Embedding(1000, 20);
        embedding.weight!.std().item<float>().ShouldBe(1, 0.03f);
        embedding.call(tensor(new long[] { 3, 3 })).shape.ShouldBe([2, 20]);
        using var given = Embedding_from_pretrained(tensor(new float[] { 1, 2, 3, 4 }, [2, 2]), freeze: false);
        given.call(tensor(new long[] { 1 })).data<float>().ToArray().ShouldBe([3, 4]);
        given.named_parameters().Single().parameter.requires_grad.ShouldBeTrue();
        using var norm = LayerNorm(4);
        norm.call(tensor(new float[] { 1, 2, 3, 4 })).data<float>().ToArray().ShouldBe([-1.3416355f, -0.4472118f, 0.4472118f, 1.3416355f], 1e-5);
        using var dropout = Dropout(0.5);
        var dropped = dropout.call(ones(10000));
        dropped.mean().item<float>().ShouldBe(1, 0.05f);
        dropped.max().item<float>().ShouldBe(2);
        dropout.eval();
        dropout.call(ones(4)).data<float>().ToArray().ShouldBe([1, 1, 1, 1]);
        using var steps = Sequential(Linear(2, 3), Linear(3, 1));
        steps.call(ones(5, 2)).shape.ShouldBe([5, 1]);
        steps.named_parameters().Select(p => p.name).ShouldBe(["0.weight", "0.bias", "1.weight", "1.bias"]);
    }

    [Fact]
    public void Attention_CausalOrMasked_IsThePlainFormula()
    {
        using var scope = NewDisposeScope();
        manual_seed(2);
        var (q, k, v) = (randn(2, 3, 4, 8), randn(2, 3, 4, 8), randn(2, 3, 4, 8));
        var mask = full([4, 4], double.NegativeInfinity).triu(1);
        var plain = (q.matmul(k.transpose(2, 3)) / Math.Sqrt(8)) + mask;
        var expected = plain.softmax(-1).matmul(v);
        functional.scaled_dot_product_attention(q, k, v, is_casual: true).allclose(expected, 1e-5, 1e-6).ShouldBeTrue();
        functional.scaled_dot_product_attention(q, k, v, mask).allclose(expected, 1e-5, 1e-6).ShouldBeTrue();
        functional.scaled_dot_product_attention(q, k, v, ones([4, 4], ScalarType.Bool).tril()).allclose(expected, 1e-5, 1e-6).ShouldBeTrue();
    }

    [Fact]
    public void ForwardHook_Registered_SeesAndChangesTheResult()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(2, 2);
        var hook = linear.register_forward_hook((_, _, result) => result * 0);
        linear.call(ones(2)).data<float>().ToArray().ShouldBe([0, 0]);
        hook.remove();
        linear.call(ones(2)).abs().sum().item<float>().ShouldBeGreaterThan(0);
    }

    private sealed class Model : Module<Tensor, Tensor>
    {
        private readonly Parameter scale;

        [ComponentName(Name = "layers")]
        private readonly ModuleList<Linear> _list;

        [ComponentName(Name = "head")]
        private readonly Linear _output;

        [ComponentName(Name = "table")]
        private readonly Tensor _table;

        public Model()
            : base(nameof(Model))
        {
            scale = Parameter(ones(3));
            _list = ModuleList(Linear(3, 3), Linear(3, 3));
            _output = Linear(3, 2, hasBias: false);
            _table = arange(3).to_type(ScalarType.Float32, disposeAfter: true);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            var x = input * scale;
            foreach (var layer in _list) x = layer.call(x).relu();
            return _output.call(x + _table);
        }
    }
}
