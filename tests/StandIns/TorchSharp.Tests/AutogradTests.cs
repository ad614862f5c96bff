using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.StandIns.Tests;

/// <summary>Gradients against central differences in double precision.</summary>
public sealed class AutogradTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string> Functions => [.. Cases.Keys];

    private static readonly Dictionary<string, Func<Tensor, Tensor>> Cases = new(StringComparer.Ordinal)
    {
        ["softmax"] = x => (x.softmax(-1) * arange(12, ScalarType.Float64).reshape(3, 4)).sum(),
        ["log_softmax gather"] = x => x.log_softmax(-1).gather(1, tensor(new long[] { 0, 2, 3 }, [3, 1])).sum(),
        ["silu times gelu"] = x => (nn.functional.silu(x) * nn.functional.gelu(x)).sum(),
        ["norm"] = x => (x * (x.square().mean([-1], true) + 1e-5).rsqrt()).pow(3).sum(),
        ["matmul"] = x => x.matmul(x.transpose(0, 1)).tanh().sum(),
        ["reciprocal"] = x => (1 / (x.square() + 1)).sum(),
        ["layer norm"] = x => nn.functional.layer_norm(x, [4], ones(4, ScalarType.Float64) * 2).pow(2).mul(arange(4, ScalarType.Float64)).sum(),
        ["cross entropy smoothed"] = x => nn.functional.cross_entropy(x, tensor(new long[] { 1, -100, 3 }), ignore_index: -100, label_smoothing: 0.1),
        ["attention"] = x => nn.functional.scaled_dot_product_attention(x.unsqueeze(0), x.unsqueeze(0), x.unsqueeze(0), is_casual: true).sin().sum(),
        ["index and cat"] = x => cat([x[TensorIndex.Colon, TensorIndex.Slice(2)], -x[TensorIndex.Colon, TensorIndex.Slice(0, 2)]], 1).exp().sum(),
        ["where, clamp, logsumexp"] = x => (torch.where(x > 0, x, x * 3).clamp(-2, 2).logsumexp(1) * tensor(new double[] { 1, 2, 3 })).sum(),
    };

    [Theory]
    [MemberData(nameof(Functions))]
    public void Backward_Function_AgreesWithDifferences(string name)
    {
        var function = Cases[name];
        manual_seed(3);
        var x = randn(3, 4, dtype: ScalarType.Float64, requires_grad: true);
        function(x).backward();
        var grad = x.grad!.data<double>().ToArray();
        using var noGrad = no_grad();
        for (var i = 0; i < 12; i++)
        {
            const double Step = 1e-6;
            var (up, down) = (x.clone(), x.clone());
            up.data<double>()[i] += Step;
            down.data<double>()[i] -= Step;
            var difference = (function(up).item<double>() - function(down).item<double>()) / (2 * Step);
            grad[i].ShouldBe(difference, 1e-6 * Math.Max(1, Math.Abs(difference)), $"{name}, element {i}");
        }
    }

    [Fact]
    public void Backward_Twice_AddsGradients()
    {
        var x = ones(2, requires_grad: true);
        (x * 3).sum().backward();
        (x * 3).sum().backward();
        x.grad!.data<float>().ToArray().ShouldBe([6, 6]);
        x.grad = null;
        x.grad.ShouldBeNull();
    }

    [Fact]
    public void Grad_OfGrad_IsTheSecondDerivative()
    {
        var x = tensor(2.0, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x], create_graph: true)[0];
        first.item<double>().ShouldBe(12);
        autograd.grad([first], [x])[0].item<double>().ShouldBe(12);
    }

    [Fact]
    public void NoGradAndInferenceMode_ResultsNeedNoGradient()
    {
        var x = ones(2, requires_grad: true);
        using (no_grad())
        {
            (x * 2).requires_grad.ShouldBeFalse();
            using (enable_grad()) (x * 2).requires_grad.ShouldBeTrue();
            is_grad_enabled().ShouldBeFalse();
        }

        using (inference_mode()) (x * 2).requires_grad.ShouldBeFalse();
        (x * 2).requires_grad.ShouldBeTrue();
        x.detach().requires_grad.ShouldBeFalse();
    }

    [Fact]
    public void Backward_NoGraph_Throws()
    {
        Should.Throw<System.Runtime.InteropServices.ExternalException>(() => ones(1).backward());
        Should.Throw<System.Runtime.InteropServices.ExternalException>(() => ones(1, requires_grad: true).add_(1));
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Apply_FunctionWithItsOwnDerivative_TakesItInBackward()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 1, 2, 3 }, requires_grad: true);
        var y = Scaled.apply(x * 2, 10.0, null!);
        y.requires_grad.ShouldBeTrue();
        y.data<float>().ToArray().ShouldBe([20, 40, 60]);
        (y * tensor(new float[] { 1, 0, 2 })).sum().backward();
        // The derivative is said to be 7, whatever forward did: 2 · 7 · the outer derivative.
        x.grad!.data<float>().ToArray().ShouldBe([14, 0, 28]);
        using (no_grad()) Scaled.apply(x, 10.0, null!).requires_grad.ShouldBeFalse();
        Scaled.apply(ones(2), 10.0, null!).requires_grad.ShouldBeFalse();
    }

    [Fact]
    public void Apply_SavedTensors_AreThereInBackwardAndGoWithTheGraph()
    {
        using var scope = NewDisposeScope();
        using var a = tensor(new float[] { 1, 2 }, requires_grad: true);
        using var b = tensor(new float[] { 3, 4 }, requires_grad: true);
        var live = Tensor.TotalCount;
        for (var i = 0; i < 50; i++)
        {
            using var step = NewDisposeScope();
            Product.apply(a, b)[0].sum().backward();
            a.grad!.data<float>().ToArray().ShouldBe([3, 4]);
            b.grad!.data<float>().ToArray().ShouldBe([1, 2]);
            (a.grad, b.grad) = (null, null);
        }

        Tensor.TotalCount.ShouldBeLessThanOrEqualTo(live);
    }

    [Fact]
    public void Backward_FunctionThatThrows_SaysWhy()
    {
        using var scope = NewDisposeScope();
        var x = tensor(new float[] { 1 }, requires_grad: true);
        Should.Throw<Exception>(() => Failing.apply(x).sum().backward()).Message.ShouldContain("no derivative here");
    }

    private sealed class Scaled : autograd.SingleTensorFunction<Scaled>
    {
        public override string Name => nameof(Scaled);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_data("by", 7.0);
            return ((Tensor)vars[0]) * (double)vars[1];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [grad_output * (double)ctx.get_data("by"), null!, null!];
    }

    private sealed class Product : autograd.MultiTensorFunction<Product>
    {
        public override string Name => nameof(Product);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.save_for_backward([(Tensor)vars[0], (Tensor)vars[1]]);
            return [((Tensor)vars[0]) * ((Tensor)vars[1])];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            var saved = ctx.get_saved_variables();
            return [grad_outputs[0] * saved[1], grad_outputs[0] * saved[0]];
        }
    }

    private sealed class Failing : autograd.SingleTensorFunction<Failing>
    {
        public override string Name => nameof(Failing);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => ((Tensor)vars[0]) * 2;

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => throw new NotSupportedException("no derivative here");
    }
}
