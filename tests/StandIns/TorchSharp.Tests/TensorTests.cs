using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.StandIns.Tests;

/// <summary>Values of operators, worked out by hand.</summary>
public sealed class TensorTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _m = tensor(new float[] { 1, 2, 3, 4, 5, 6 }, [2, 3]);

    [Fact]
    public void Factories_Sizes_GiveShapesAndValues()
    {
        zeros(2, 3).shape.ShouldBe([2, 3]);
        Values(ones(2)).ShouldBe([1, 1]);
        Values(full([2], 2.5)).ShouldBe([2.5f, 2.5f]);
        full(3, 7).dtype.ShouldBe(ScalarType.Int64);
        Values(eye(2)).ShouldBe([1, 0, 0, 1]);
        arange(4).data<long>().ToArray().ShouldBe([0, 1, 2, 3]);
        Values(arange(0, 1, 0.25)).ShouldBe([0, 0.25f, 0.5f, 0.75f]);
        Values(linspace(0, 1, 3)).ShouldBe([0, 0.5f, 1]);
        empty([2, 0]).numel().ShouldBe(0);
        tensor(3.5).dtype.ShouldBe(ScalarType.Float64);
        tensor(new[] { true, false }).data<bool>().ToArray().ShouldBe([true, false]);
        from_array(new int[,] { { 1, 2 }, { 3, 4 } }).shape.ShouldBe([2, 2]);
        Should.Throw<ArgumentException>(() => tensor(new float[] { 1, 2, 3 }, [2, 2]));
    }

    [Fact]
    public void Arithmetic_TensorsAndNumbers_Agree()
    {
        Values((_m * 2) - 1).ShouldBe([1, 3, 5, 7, 9, 11]);
        Values(1 - _m).ShouldBe([0, -1, -2, -3, -4, -5]);
        Values(6 / _m).ShouldBe([6, 3, 2, 1.5f, 1.2f, 1], 1e-6);
        Values(_m / tensor(new float[] { 1, 2, 3 })).ShouldBe([1, 1, 1, 4, 2.5f, 2]);
        Values(_m % 2).ShouldBe([1, 0, 1, 0, 1, 0]);
        Values(_m.pow(2)).ShouldBe([1, 4, 9, 16, 25, 36]);
        Values(-_m.add(_m, 0.5)).ShouldBe([-1.5f, -3, -4.5f, -6, -7.5f, -9]);
        Values(_m.clamp(2, 5)).ShouldBe([2, 2, 3, 4, 5, 5]);
        Values(_m.div(4, RoundingMode.floor)).ShouldBe([0, 0, 0, 1, 1, 1]);
        Values(tensor(new float[] { 0, 1 }).exp()).ShouldBe([1, MathF.E], 1e-6);
        Values(tensor(new float[] { 4 }).rsqrt()).ShouldBe([0.5f]);
        (_m > 3).data<bool>().ToArray().ShouldBe([false, false, false, true, true, true]);
        ((_m >= 2) & (_m < 4)).sum().item<long>().ShouldBe(2);
        _m.Equals(_m.clone()).ShouldBeTrue();
        _m.allclose(_m + 1e-7).ShouldBeTrue();
    }

    [Fact]
    public void InPlace_Changes_ReturnTheTensorItself()
    {
        var x = ones(2);
        ReferenceEquals(x.add_(1).mul_(3).sub_(1).div_(5), x).ShouldBeTrue();
        Values(x).ShouldBe([1, 1]);
        Values(x.addcmul_(tensor(new float[] { 1, 2 }), tensor(new float[] { 3, 4 }), 0.5)).ShouldBe([2.5f, 5]);
        Values(x.zero_()).ShouldBe([0, 0]);
        Values(x.copy_(tensor(new double[] { 1, 2 }))).ShouldBe([1, 2]);
    }

    [Fact]
    public void Reductions_ByDimension_AreRight()
    {
        _m.sum().item<float>().ShouldBe(21);
        Values(_m.sum(0L)).ShouldBe([5, 7, 9]);
        _m.sum(1, keepdim: true).shape.ShouldBe([2, 1]);
        Values(_m.mean([1])).ShouldBe([2, 5]);
        var (values, indexes) = _m.max(1);
        Values(values).ShouldBe([3, 6]);
        indexes.data<long>().ToArray().ShouldBe([2, 2]);
        _m.argmax().item<long>().ShouldBe(5);
        _m.argmin(1).data<long>().ToArray().ShouldBe([0, 0]);
        _m.std().item<float>().ShouldBe(MathF.Sqrt(3.5f), 1e-5f);
        _m.norm().item<float>().ShouldBe(MathF.Sqrt(91), 1e-5f);
        _m.norm(1).shape.ShouldBe([2]);
        Values(_m.logsumexp(1)).ShouldBe([3.4076059f, 6.4076059f], 1e-5);
        Values(_m.softmax(-1).sum(-1)).ShouldBe([1, 1], 1e-6);
        Values(_m.log_softmax(-1).exp().select(0, 0)).ShouldBe([0.0900306f, 0.2447285f, 0.6652410f], 1e-6);
        Values(_m.cumsum(1)).ShouldBe([1, 3, 6, 4, 9, 15]);
        (_m > 0).all().item<bool>().ShouldBeTrue();
        (_m > 5).any(1).data<bool>().ToArray().ShouldBe([false, true]);
    }

    [Fact]
    public void Sorting_Values_GivesValuesAndPlaces()
    {
        var x = tensor(new float[] { 3, 1, 2 });
        var (values, indices) = x.sort(descending: true);
        Values(values).ShouldBe([3, 2, 1]);
        indices.data<long>().ToArray().ShouldBe([0, 2, 1]);
        x.argsort().data<long>().ToArray().ShouldBe([1, 2, 0]);
        Values(x.topk(2).values).ShouldBe([3, 2]);
        tensor(new long[] { 2, 1, 2 }).unique().output.data<long>().ToArray().ShouldBe([1, 2]);
        tensor(new float[] { 0, 5, 0 }).nonzero().data<long>().ToArray().ShouldBe([1]);
    }

    [Fact]
    public void Shapes_Changed_KeepTheElements()
    {
        Values(_m.t()).ShouldBe([1, 4, 2, 5, 3, 6]);
        _m.reshape(3, -1).shape.ShouldBe([3, 2]);
        _m.unsqueeze(1).shape.ShouldBe([2, 1, 3]);
        _m.unsqueeze(0).squeeze(0).shape.ShouldBe([2, 3]);
        _m.permute(1, 0).is_contiguous().ShouldBeFalse();
        _m.permute(1, 0).contiguous().is_contiguous().ShouldBeTrue();
        _m.expand(4, 2, 3).shape.ShouldBe([4, 2, 3]);
        _m.repeat(1, 2).shape.ShouldBe([2, 6]);
        Values(_m.narrow(0, 0, 1).repeat_interleave(2, 1)).ShouldBe([1, 1, 2, 2, 3, 3]);
        _m.split(2, 1).Select(p => p.shape[1]).ShouldBe([2, 1]);
        _m.split([1, 2], 1).Select(p => p.shape[1]).ShouldBe([1, 2]);
        _m.chunk(2)[1].shape.ShouldBe([1, 3]);
        arange(600).split(1).Length.ShouldBe(600);
        Values(_m.flip(1)).ShouldBe([3, 2, 1, 6, 5, 4]);
        Values(_m.tril()).ShouldBe([1, 0, 0, 4, 5, 0]);
        Values(_m.triu(1)).ShouldBe([0, 2, 3, 0, 0, 6]);
        cat([_m, _m], 1).shape.ShouldBe([2, 6]);
        stack([_m, _m]).shape.ShouldBe([2, 2, 3]);
    }

    [Fact]
    public void Indexing_NumbersRangesTensors_AsInPyTorch()
    {
        _m[1, 2].item<float>().ShouldBe(6);
        Values(_m[1]).ShouldBe([4, 5, 6]);
        Values(_m[TensorIndex.Colon, TensorIndex.Single(-1)]).ShouldBe([3, 6]);
        Values(_m[.., 1..]).ShouldBe([2, 3, 5, 6]);
        Values(_m[TensorIndex.Ellipsis, TensorIndex.Slice(0, null, 2)]).ShouldBe([1, 3, 4, 6]);
        _m[TensorIndex.None, TensorIndex.Ellipsis].shape.ShouldBe([1, 2, 3]);
        Values(_m[tensor(new long[] { 1, 0 })]).ShouldBe([4, 5, 6, 1, 2, 3]);
        Values(_m[TensorIndex.Colon, TensorIndex.Tensor(tensor(new long[] { 2 }))]).ShouldBe([3, 6]);
        Values(_m[TensorIndex.Tensor(_m > 4)]).ShouldBe([5, 6]);
        var x = _m.clone();
        x[0] = tensor(9f);
        x[1, 1] = tensor(0f);
        x[TensorIndex.Tensor(tensor(new long[] { 1 })), TensorIndex.Single(2)] = tensor(7f);
        Values(x).ShouldBe([9, 9, 9, 4, 0, 7]);
    }

    [Fact]
    public void Gathering_ByIndices_AsInPyTorch()
    {
        var index = tensor(new long[] { 2, 0 }, [2, 1]);
        Values(_m.gather(1, index)).ShouldBe([3, 4]);
        Values(_m.index_select(1, tensor(new long[] { 0, 0 }))).ShouldBe([1, 1, 4, 4]);
        Values(zeros(2, 3).scatter(1, index, ones(2, 1))).ShouldBe([0, 0, 1, 1, 0, 0]);
        Values(zeros(3).index_add(0, tensor(new long[] { 1, 1 }), ones(2), 2)).ShouldBe([0, 4, 0]);
        Values(zeros(2).index_copy_(0, tensor(new long[] { 1 }), ones(1))).ShouldBe([0, 1]);
        Values(_m.masked_fill(_m > 3, double.NegativeInfinity).exp().sum(1)).ShouldBe([MathF.E + MathF.Exp(2) + MathF.Exp(3), 0], 1e-4);
        Values(torch.where(_m > 3, _m, zeros(1))).ShouldBe([0, 0, 0, 4, 5, 6]);
        nn.functional.one_hot(tensor(new long[] { 1, 0 }), 3).data<long>().ToArray().ShouldBe([0, 1, 0, 1, 0, 0]);
    }

    [Fact]
    public void Products_Matrices_AreRight()
    {
        Values(_m.mm(_m.t())).ShouldBe([14, 32, 32, 77]);
        Values(_m.matmul(ones(3))).ShouldBe([6, 15]);
        Values(_m.unsqueeze(0).bmm(_m.t().unsqueeze(0))).ShouldBe([14, 32, 32, 77]);
        Values(ones(2).outer(tensor(new float[] { 1, 2 }))).ShouldBe([1, 2, 1, 2]);
        Values(ones(2, 2).addmm(_m, _m.t(), beta: 2, alpha: 0.5f)).ShouldBe([9, 18, 18, 40.5f]);
        Values(einsum("ij,kj->ik", _m, _m)).ShouldBe([14, 32, 32, 77]);
        var (values, vectors) = linalg.eigh(tensor(new float[] { 2, 1, 1, 2 }, [2, 2]));
        Values(values).ShouldBe([1, 3], 1e-5);
        Values(vectors.abs()).ShouldBe([0.7071068f, 0.7071068f, 0.7071068f, 0.7071068f], 1e-5);
        var (u, s, vh) = linalg.svd(_m, fullMatrices: false);
        Values(u.mm(s.diag()).mm(vh)).ShouldBe([1, 2, 3, 4, 5, 6], 1e-5);
    }

    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Byte)]
    public void To_TypeAndBack_KeepsSmallWholeNumbers(ScalarType type)
    {
        var converted = _m.to(type);
        converted.dtype.ShouldBe(type);
        converted.bytes.Length.ShouldBe((int)(6 * converted.ElementSize));
        Values(converted.to_type(ScalarType.Float32)).ShouldBe([1, 2, 3, 4, 5, 6]);
    }

    [Fact]
    public void Data_OfAnotherType_IsRefused()
    {
        Should.Throw<ArgumentException>(() => _m.data<double>());
        Should.Throw<ArgumentException>(() => _m.item<float>());
        Should.Throw<ArgumentException>(() => _m.bfloat16().data<float>());
        Should.Throw<InvalidOperationException>(() => _m.t().bytes.Length);
    }

    [Fact]
    public void Data_ElementSet_ChangesTheTensor()
    {
        var data = _m.data<float>();
        data[1, 0] = 40;
        data[0] = -1;
        Values(_m).ShouldBe([-1, 2, 3, 40, 5, 6]);
        _m.t().data<float>().ToArray().ShouldBe([-1, 40, 2, 5, 3, 6]);
        Should.Throw<IndexOutOfRangeException>(() => data[6]);
    }

    [Fact]
    public void Operators_ShapesThatDoNotFit_ThrowAndTheProcessGoesOn()
    {
        Should.Throw<ExternalException>(() => _m.mm(_m)).Message.ShouldContain("mat1 and mat2");
        Should.Throw<ExternalException>(() => _m.add(ones(7)));
        Should.Throw<ExternalException>(() => _m.view(5));
        Should.Throw<ExternalException>(() => _m.index_select(0, tensor(new long[] { 9 })));
        Values(_m + 1).ShouldBe([2, 3, 4, 5, 6, 7]);
    }

    [Fact]
    public void Randomness_SameSeed_SameNumbers()
    {
        manual_seed(7);
        var a = Values(randn(5));
        manual_seed(7);
        Values(randn(5)).ShouldBe(a);
        using var one = new Generator(3);
        using var two = new Generator(3);
        Values(rand(4, generator: one)).ShouldBe(Values(rand(4, generator: two)));
        randperm(10, generator: one).sort().Values.data<long>().ToArray().ShouldBe([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        randint(3, [100]).data<long>().ShouldAllBe(v => v >= 0 && v < 3);
        tensor(new float[] { 0, 1, 0 }).multinomial(1).item<long>().ShouldBe(1);
        var state = get_rng_state();
        var next = Values(zeros(3).uniform_(0, 1));
        set_rng_state(state);
        Values(zeros(3).uniform_(0, 1)).ShouldBe(next);
        zeros(10000).bernoulli_(0.25).mean().item<float>().ShouldBe(0.25f, 0.03f);
    }

    [Fact]
    public void Bucketize_Boundaries_BelongToTheLowerOrTheUpperPart()
    {
        using var scope = NewDisposeScope();
        var (values, boundaries) = (tensor(new float[] { 0, 1, 1.5f, 2, 9 }), tensor(new float[] { 1, 2 }));
        values.bucketize(boundaries).data<long>().ToArray().ShouldBe([0, 0, 1, 1, 2]);
        values.bucketize(boundaries, outInt32: true, right: true).data<int>().ToArray().ShouldBe([0, 1, 1, 2, 2]);
    }

    [Fact]
    public void Threads_Set_AreGiven()
    {
        var before = get_num_threads();
        set_num_threads(1);
        get_num_threads().ShouldBe(1);
        set_num_threads(before);
    }

    public void Dispose() => _scope.Dispose();

    private static float[] Values(Tensor tensor) => tensor.to_type(ScalarType.Float32).data<float>().ToArray();
}
