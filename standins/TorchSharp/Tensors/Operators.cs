using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static class Ops
        {
            public static readonly Op Add = new("aten::add", "Tensor"), AddScalar = new("aten::add", "Scalar"), AddIn = new("aten::add_", "Tensor"), AddScalarIn = new("aten::add_", "Scalar");
            public static readonly Op Sub = new("aten::sub", "Tensor"), SubScalar = new("aten::sub", "Scalar"), RSub = new("aten::rsub", "Scalar");
            public static readonly Op Mul = new("aten::mul", "Tensor"), MulScalar = new("aten::mul", "Scalar"), MulIn = new("aten::mul_", "Tensor"), MulScalarIn = new("aten::mul_", "Scalar");
            public static readonly Op Div = new("aten::div", "Tensor"), DivScalar = new("aten::div", "Scalar"), DivScalarIn = new("aten::div_", "Scalar");
            public static readonly Op Neg = new("aten::neg"), Exp = new("aten::exp"), Log = new("aten::log"), Sqrt = new("aten::sqrt"), RSqrt = new("aten::rsqrt"), Sin = new("aten::sin"), Cos = new("aten::cos");
            public static readonly Op Abs = new("aten::abs"), Tanh = new("aten::tanh"), Sigmoid = new("aten::sigmoid"), Relu = new("aten::relu"), Silu = new("aten::silu"), Gelu = new("aten::gelu"), Square = new("aten::square");
            public static readonly Op Pow = new("aten::pow", "Tensor_Scalar"), Matmul = new("aten::matmul"), Mm = new("aten::mm"), Bmm = new("aten::bmm"), T = new("aten::t");
            public static readonly Op SumAll = new("aten::sum"), Sum = new("aten::sum", "dim_IntList"), MeanAll = new("aten::mean"), Mean = new("aten::mean", "dim");
            public static readonly Op Max = new("aten::max", "dim"), MaxAll = new("aten::max"), Min = new("aten::min", "dim"), MinAll = new("aten::min"), ArgMax = new("aten::argmax"), ArgMin = new("aten::argmin");
            public static readonly Op LogSoftmax = new("aten::log_softmax", "int"), Softmax = new("aten::softmax", "int"), LogSumExp = new("aten::logsumexp");
            public static readonly Op Gather = new("aten::gather"), IndexSelect = new("aten::index_select"), MaskedFill = new("aten::masked_fill", "Scalar"), Where = new("aten::where", "self");
            public static readonly Op Reshape = new("aten::reshape"), View = new("aten::view"), Transpose = new("aten::transpose", "int"), Permute = new("aten::permute"), Unsqueeze = new("aten::unsqueeze"), Squeeze = new("aten::squeeze", "dim"), SqueezeAll = new("aten::squeeze");
            public static readonly Op Expand = new("aten::expand"), Narrow = new("aten::narrow"), Select = new("aten::select", "int"), Slice = new("aten::slice", "Tensor"), Split = new("aten::split", "Tensor"), Chunk = new("aten::chunk"), RepeatInterleave = new("aten::repeat_interleave", "self_int");
            public static readonly Op Contiguous = new("aten::contiguous"), Clone = new("aten::clone"), Detach = new("aten::detach"), Copy = new("aten::copy_"), ZeroIn = new("aten::zero_"), FillIn = new("aten::fill_", "Scalar");
            public static readonly Op ToDtype = new("aten::to", "dtype"), To = new("aten::to", "dtype_layout"), Norm = new("aten::norm", "Scalar"), AddCMulIn = new("aten::addcmul_"), AddCDivIn = new("aten::addcdiv_"), LerpIn = new("aten::lerp_", "Scalar");
            public static readonly Op Eq = new("aten::eq", "Tensor"), EqScalar = new("aten::eq", "Scalar"), Ne = new("aten::ne", "Tensor"), Lt = new("aten::lt", "Tensor"), LtScalar = new("aten::lt", "Scalar"), Gt = new("aten::gt", "Tensor"), GtScalar = new("aten::gt", "Scalar"), Le = new("aten::le", "Tensor"), Ge = new("aten::ge", "Tensor"), Not = new("aten::logical_not"), And = new("aten::logical_and");
            public static readonly Op Tril = new("aten::tril"), Triu = new("aten::triu"), CumSum = new("aten::cumsum"), Normal = new("aten::normal_"), Uniform = new("aten::uniform_"), All = new("aten::all"), Any = new("aten::any"), IsNan = new("aten::isnan"), Clamp = new("aten::clamp"), Topk = new("aten::topk"), Sort = new("aten::sort"), Flip = new("aten::flip");
        }

        public static Tensor operator +(Tensor a, Tensor b) => a.add(b);

        public static Tensor operator +(Tensor a, Scalar b) => a.add(b);

        public static Tensor operator -(Tensor a, Tensor b) => a.sub(b);

        public static Tensor operator -(Tensor a, Scalar b) => a.sub(b);

        public static Tensor operator -(Scalar a, Tensor b) => Ops.RSub.Call(b, a);

        public static Tensor operator -(Tensor a) => a.neg();

        public static Tensor operator *(Tensor a, Tensor b) => a.mul(b);

        public static Tensor operator *(Tensor a, Scalar b) => a.mul(b);

        public static Tensor operator *(Scalar a, Tensor b) => b.mul(a);

        public static Tensor operator /(Tensor a, Tensor b) => a.div(b);

        public static Tensor operator /(Tensor a, Scalar b) => a.div(b);

        public Tensor add(Tensor target) => Ops.Add.Call(this, target);

        public Tensor add(Scalar scalar) => Ops.AddScalar.Call(this, scalar);

        public Tensor add_(Tensor target) => Self(() => Ops.AddIn.CallInPlace(this, target));

        public Tensor add_(Tensor target, Scalar alpha) => Self(() => Ops.AddIn.CallInPlace(this, target, alpha));

        public Tensor add_(Scalar scalar) => Self(() => Ops.AddScalarIn.CallInPlace(this, scalar));

        public Tensor sub(Tensor target) => Ops.Sub.Call(this, target);

        public Tensor sub(Scalar scalar) => Ops.SubScalar.Call(this, scalar);

        public Tensor mul(Tensor target) => Ops.Mul.Call(this, target);

        public Tensor mul(Scalar scalar) => Ops.MulScalar.Call(this, scalar);

        public Tensor mul_(Tensor target) => Self(() => Ops.MulIn.CallInPlace(this, target));

        public Tensor mul_(Scalar scalar) => Self(() => Ops.MulScalarIn.CallInPlace(this, scalar));

        public Tensor div(Tensor target) => Ops.Div.Call(this, target);

        public Tensor div(Scalar scalar) => Ops.DivScalar.Call(this, scalar);

        public Tensor div_(Scalar scalar) => Self(() => Ops.DivScalarIn.CallInPlace(this, scalar));

        public Tensor neg() => Ops.Neg.Call(this);

        public Tensor exp() => Ops.Exp.Call(this);

        public Tensor log() => Ops.Log.Call(this);

        public Tensor sqrt() => Ops.Sqrt.Call(this);

        public Tensor rsqrt() => Ops.RSqrt.Call(this);

        public Tensor sin() => Ops.Sin.Call(this);

        public Tensor cos() => Ops.Cos.Call(this);

        public Tensor abs() => Ops.Abs.Call(this);

        public Tensor tanh() => Ops.Tanh.Call(this);

        public Tensor sigmoid() => Ops.Sigmoid.Call(this);

        public Tensor relu() => Ops.Relu.Call(this);

        public Tensor square() => Ops.Square.Call(this);

        public Tensor pow(Scalar exponent) => Ops.Pow.Call(this, exponent);

        public Tensor matmul(Tensor target) => Ops.Matmul.Call(this, target);

        public Tensor mm(Tensor target) => Ops.Mm.Call(this, target);

        public Tensor bmm(Tensor batch2) => Ops.Bmm.Call(this, batch2);

        public Tensor t() => Ops.T.Call(this);

        public Tensor sum(ScalarType? type = null) => Ops.SumAll.Call(this, type);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Ops.Sum.Call(this, new[] { dim }, keepdim, type);

        public Tensor mean() => Ops.MeanAll.Call(this);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Ops.Mean.Call(this, dimensions, keepdim, type);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Pair(Ops.Max.CallMany(this, dim, keepdim));

        public Tensor max() => Ops.MaxAll.Call(this);

        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Pair(Ops.Min.CallMany(this, dim, keepdim));

        public Tensor min() => Ops.MinAll.Call(this);

        public Tensor argmax(long dim, bool keepdim = false) => Ops.ArgMax.Call(this, dim, keepdim);

        public Tensor argmin(long dim, bool keepdim = false) => Ops.ArgMin.Call(this, dim, keepdim);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Ops.LogSoftmax.Call(this, dim, dtype);

        public Tensor softmax(long dim, ScalarType? dtype = null) => Ops.Softmax.Call(this, dim, dtype);

        public Tensor logsumexp(long dim, bool keepdim = false) => Ops.LogSumExp.Call(this, new[] { dim }, keepdim);

        public Tensor gather(long dim, Tensor index) => Ops.Gather.Call(this, dim, index);

        public Tensor index_select(long dimension, Tensor index) => Ops.IndexSelect.Call(this, dimension, index);

        public Tensor masked_fill(Tensor mask, Scalar value) => Ops.MaskedFill.Call(this, mask, value);

        public Tensor reshape(params long[] shape) => Ops.Reshape.Call(this, shape);

        public Tensor view(params long[] shape) => Ops.View.Call(this, shape);

        public Tensor transpose(long dim0, long dim1) => Ops.Transpose.Call(this, dim0, dim1);

        public Tensor permute(params long[] permutation) => Ops.Permute.Call(this, permutation);

        public Tensor unsqueeze(long dim) => Ops.Unsqueeze.Call(this, dim);

        public Tensor squeeze(long dim) => Ops.Squeeze.Call(this, dim);

        public Tensor squeeze() => Ops.SqueezeAll.Call(this);

        public Tensor expand(params long[] sizes) => Ops.Expand.Call(this, sizes);

        public Tensor narrow(long dim, long start, long length) => Ops.Narrow.Call(this, dim, start, length);

        public Tensor select(long dim, long index) => Ops.Select.Call(this, dim, index);

        public Tensor slice(long dim, long start, long finish, long step) => Ops.Slice.Call(this, dim, start, finish, step);

        public Tensor[] split(long size, long dim = 0) => Ops.Split.CallMany(this, size, dim);

        public Tensor[] chunk(long chunks, long dim = 0) => Ops.Chunk.CallMany(this, chunks, dim);

        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => Ops.RepeatInterleave.Call(this, repeats, dim, output_size);

        public Tensor contiguous() => Ops.Contiguous.Call(this);

        public Tensor clone() => Ops.Clone.Call(this);

        public Tensor detach() => Ops.Detach.Call(this);

        public Tensor copy_(Tensor source, bool non_blocking = false) => Self(() => Ops.Copy.CallInPlace(this, source, non_blocking));

        public Tensor zero_() => Self(() => Ops.ZeroIn.CallInPlace(this));

        public Tensor fill_(Scalar value) => Self(() => Ops.FillIn.CallInPlace(this, value));

        public Tensor to_type(ScalarType type) => Ops.ToDtype.Call(this, type);

        public Tensor to(ScalarType type) => to_type(type);

        public Tensor to(Device device) => Ops.To.Call(this, (ScalarType?)dtype, Arg.None, device);

        public Tensor cpu() => to(CPU);

        public Tensor cuda() => to(CUDA);

        public Tensor norm() => Ops.Norm.Call(this);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Self(() => Ops.AddCMulIn.CallInPlace(this, tensor1, tensor2, value));

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Self(() => Ops.AddCDivIn.CallInPlace(this, tensor1, tensor2, value));

        public Tensor lerp_(Tensor end, Scalar weight) => Self(() => Ops.LerpIn.CallInPlace(this, end, weight));

        public Tensor eq(Tensor target) => Ops.Eq.Call(this, target);

        public Tensor eq(Scalar target) => Ops.EqScalar.Call(this, target);

        public Tensor ne(Tensor target) => Ops.Ne.Call(this, target);

        public Tensor lt(Tensor target) => Ops.Lt.Call(this, target);

        public Tensor lt(Scalar target) => Ops.LtScalar.Call(this, target);

        public Tensor gt(Tensor target) => Ops.Gt.Call(this, target);

        public Tensor gt(Scalar target) => Ops.GtScalar.Call(this, target);

        public Tensor le(Tensor target) => Ops.Le.Call(this, target);

        public Tensor ge(Tensor target) => Ops.Ge.Call(this, target);

        public Tensor logical_not() => Ops.Not.Call(this);

        public Tensor logical_and(Tensor other) => Ops.And.Call(this, other);

        public Tensor tril(long diagonal = 0) => Ops.Tril.Call(this, diagonal);

        public Tensor triu(long diagonal = 0) => Ops.Triu.Call(this, diagonal);

        public Tensor cumsum(long dim, ScalarType? type = null) => Ops.CumSum.Call(this, dim, type);

        public Tensor normal_(double mean = 0.0, double stddev = 1.0) => Self(() => Ops.Normal.CallInPlace(this, mean, stddev));

        public Tensor all() => Ops.All.Call(this);

        public Tensor any() => Ops.Any.Call(this);

        public Tensor isnan() => Ops.IsNan.Call(this);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Pair(Ops.Topk.CallMany(this, (long)k, (long)dim, largest, sorted));

        public Tensor flip(params long[] dims) => Ops.Flip.Call(this, dims);

        private static (Tensor, Tensor) Pair(Tensor[] tensors) => (tensors[0], tensors[1]);

        private Tensor Self(Action change)
        {
            change();
            return this;
        }
    }

    private static class Factory
    {
        public static readonly Op Zeros = new("aten::zeros"), Ones = new("aten::ones"), Full = new("aten::full"), Empty = new("aten::empty", "memory_format"), Arange = new("aten::arange", "start_step");
        public static readonly Op Cat = new("aten::cat"), Stack = new("aten::stack"), Where = new("aten::where", "self"), Randn = new("aten::randn"), Rand = new("aten::rand"), Outer = new("aten::outer");
        public static readonly Op Eigh = new("aten::linalg_eigh"), Svd = new("aten::linalg_svd");
    }

    public static Tensor zeros(params long[] size) => zeros(size, null);

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Zeros.Call(size, dtype, Arg.None, device), requires_grad);

    public static Tensor ones(params long[] size) => ones(size, null);

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Ones.Call(size, dtype, Arg.None, device), requires_grad);

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Empty.Call(size, dtype, Arg.None, device), requires_grad);

    public static Tensor full(long[] size, Scalar value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Full.Call(size, value, dtype, Arg.None, device), requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Arange.Call(start, stop, step, dtype, Arg.None, device), requires_grad);

    public static Tensor randn(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Randn.Call(size, dtype, Arg.None, device), requires_grad);

    public static Tensor rand(long[] size, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Grad(Factory.Rand.Call(size, dtype, Arg.None, device), requires_grad);

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => Factory.Cat.Call((Arg)tensors.ToArray(), dim);

    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => Factory.Stack.Call((Arg)tensors.ToArray(), dim);

    public static Tensor where(Tensor condition, Tensor x, Tensor y) => Factory.Where.Call(condition, x, y);

    public static Tensor outer(Tensor input, Tensor vec2) => Factory.Outer.Call(input, vec2);

    public static Tensor tensor(long[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Int64, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(long[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Int64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Float32, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Float32, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Float64, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor(double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make(rawArray, ScalarType.Float64, dimensions, dtype, device, requires_grad);

    public static Tensor tensor(float value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make([value], ScalarType.Float32, [], dtype, device, requires_grad);

    public static Tensor tensor(long value, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => Make([value], ScalarType.Int64, [], dtype, device, requires_grad);

    private static unsafe Tensor Make<T>(T[] data, ScalarType type, ReadOnlySpan<long> shape, ScalarType? dtype, Device? device, bool requires_grad)
        where T : unmanaged
    {
        var count = 1L;
        foreach (var size in shape) count *= size;
        if (count != data.Length) throw new ArgumentException($"{data.Length} elements do not fill the shape [{string.Join(", ", shape.ToArray())}].");
        fixed (T* elements = data)
        fixed (long* sizes = shape)
        {
            var made = new Tensor(Library.xt_from(elements, (int)type, sizes, shape.Length));
            if (dtype is { } wanted && wanted != type) made = Swap(made, made.to_type(wanted));
            if (device is not null && device.type != DeviceType.CPU) made = Swap(made, made.to(device));
            return Grad(made, requires_grad);
        }
    }

    private static Tensor Swap(Tensor old, Tensor @new)
    {
        old.Dispose();
        return @new;
    }

    private static Tensor Grad(Tensor tensor, bool requires_grad)
    {
        if (requires_grad) tensor.requires_grad = true;
        return tensor;
    }

    public static class linalg
    {
        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => Factory.Eigh.CallMany(input, UPLO.ToString()) is var r ? (r[0], r[1]) : default;

        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor A, bool full_matrices = true) => Factory.Svd.CallMany(A, full_matrices) is var r ? (r[0], r[1], r[2]) : default;
    }
}
