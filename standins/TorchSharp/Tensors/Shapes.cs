using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_reshape = new("aten::reshape"), s_view = new("aten::view"), s_flatten = new("aten::flatten.using_ints"), s_unflatten = new("aten::unflatten.int"), s_transpose = new("aten::transpose.int"), s_permute = new("aten::permute"), s_t = new("aten::t"), s_unsqueeze = new("aten::unsqueeze"), s_squeeze = new("aten::squeeze.dim"), s_squeezeAll = new("aten::squeeze");
        private static readonly Op s_expand = new("aten::expand"), s_repeat = new("aten::repeat"), s_repeatInterleave = new("aten::repeat_interleave.self_int"), s_repeatInterleaveTensor = new("aten::repeat_interleave.self_Tensor"), s_narrow = new("aten::narrow"), s_select = new("aten::select.int"), s_slice = new("aten::slice.Tensor");
        private static readonly Op s_split = new("aten::split.Tensor"), s_splitSizes = new("aten::split_with_sizes"), s_chunk = new("aten::chunk"), s_unbind = new("aten::unbind.int"), s_flip = new("aten::flip"), s_roll = new("aten::roll"), s_movedim = new("aten::movedim.intlist"), s_tile = new("aten::tile");
        private static readonly Op s_tril = new("aten::tril"), s_triu = new("aten::triu"), s_trilIn = new("aten::tril_"), s_triuIn = new("aten::triu_"), s_diag = new("aten::diag"), s_diagonal = new("aten::diagonal");
        private static readonly Op s_contiguous = new("aten::contiguous"), s_clone = new("aten::clone"), s_detach = new("aten::detach"), s_alias = new("aten::alias"), s_copy = new("aten::copy_"), s_zero = new("aten::zero_"), s_fill = new("aten::fill_.Scalar"), s_toDevice = new("aten::to.dtype_layout");

        public Tensor T => ndim < 2 ? alias() : permute([.. Enumerable.Range(0, (int)ndim).Reverse().Select(d => (long)d)]);

        public Tensor mT => transpose(-2, -1);

        public Tensor reshape(params long[] shape) => s_reshape.Call(this, shape);

        public Tensor view(params long[] shape) => s_view.Call(this, shape);

        public Tensor view_as(Tensor other) => view(other.shape);

        public Tensor flatten(long start_dim = 0, long end_dim = -1) => s_flatten.Call(this, start_dim, end_dim);

        public Tensor unflatten(long dim, params long[] sizes) => s_unflatten.Call(this, dim, sizes);

        public Tensor transpose(long dim0, long dim1) => s_transpose.Call(this, dim0, dim1);

        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);

        public Tensor permute(params long[] permutation) => s_permute.Call(this, permutation);

        public Tensor permute(IEnumerable<long> permutation) => s_permute.Call(this, permutation.ToArray());

        public Tensor movedim(long[] source, long[] destination) => s_movedim.Call(this, source, destination);

        public Tensor t() => s_t.Call(this);

        public Tensor unsqueeze(long dim) => s_unsqueeze.Call(this, dim);

        public Tensor squeeze(long? dim = null) => dim is { } d ? s_squeeze.Call(this, d) : s_squeezeAll.Call(this);

        public Tensor expand(params long[] sizes) => s_expand.Call(this, sizes);

        public Tensor expand(long[] sizes, bool isImplicit = false) => s_expand.Call(this, sizes, isImplicit);

        public Tensor expand_as(Tensor other) => s_expand.Call(this, other.shape);

        public Tensor broadcast_to(params long[] shape) => s_expand.Call(this, shape);

        public Tensor repeat(params long[] sizes) => s_repeat.Call(this, sizes);

        public Tensor tile(long[] reps) => s_tile.Call(this, reps);

        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => s_repeatInterleave.Call(this, repeats, dim, output_size);

        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => s_repeatInterleaveTensor.Call(this, repeats, dim, output_size);

        public Tensor narrow(long dim, long start, long length) => s_narrow.Call(this, dim, start, length);

        public Tensor select(long dim, long index) => s_select.Call(this, dim, index);

        public Tensor slice(long dim, long start, long finish, long step) => s_slice.Call(this, dim, start, finish, step);

        public Tensor[] split(long size, int dim = 0) => s_split.CallMany(this, size, dim);

        public Tensor[] split(long[] sizes, long dim = 0) => s_splitSizes.CallMany(this, sizes, dim);

        public Tensor[] chunk(long chunks, long dim = 0L) => s_chunk.CallMany(this, chunks, dim);

        public Tensor[] unbind(long dimension = 0L) => s_unbind.CallMany(this, dimension);

        public Tensor flip(params long[] dims) => s_flip.Call(this, dims);

        public Tensor roll(long shifts, long? dims = null) => s_roll.Call(this, new[] { shifts }, dims is { } d ? [d] : Array.Empty<long>());

        public Tensor roll(long[] shifts, long[] dims) => s_roll.Call(this, shifts, dims);

        public Tensor tril(long diagonal = 0) => s_tril.Call(this, diagonal);

        public Tensor tril_(long diagonal = 0) => s_trilIn.On(this, diagonal);

        public Tensor triu(long diagonal = 0) => s_triu.Call(this, diagonal);

        public Tensor triu_(long diagonal = 0) => s_triuIn.On(this, diagonal);

        public Tensor diag(long diagonal = 0) => s_diag.Call(this, diagonal);

        public Tensor diagonal(long offset = 0L, long dim1 = 0L, long dim2 = 1L) => s_diagonal.Call(this, offset, dim1, dim2);

        public Tensor contiguous() => s_contiguous.Call(this);

        public Tensor clone() => s_clone.Call(this);

        public Tensor detach() => s_detach.Call(this);

        public Tensor alias() => s_alias.Call(this);

        public Tensor copy_(Tensor source, bool nonBlocking = false) => s_copy.On(this, source, nonBlocking);

        public Tensor zero_() => s_zero.On(this);

        public Tensor fill_(Scalar value) => s_fill.On(this, value);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => To(type, device, copy, disposeAfter, non_blocking);

        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => To(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => To(type, device, copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => To(other.dtype, other.device, false, false, non_blocking);

        public Tensor type(ScalarType dtype) => to(dtype);

        public Tensor cpu() => to(CPU);

        public Tensor cuda(Device? device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);

        public Tensor @bool() => to_type(ScalarType.Bool);

        public Tensor @byte() => to_type(ScalarType.Byte);

        public Tensor @int() => to_type(ScalarType.Int32);

        public Tensor @long() => to_type(ScalarType.Int64);

        public Tensor half() => to_type(ScalarType.Float16);

        public Tensor bfloat16() => to_type(ScalarType.BFloat16);

        public Tensor @float() => to_type(ScalarType.Float32);

        public Tensor @double() => to_type(ScalarType.Float64);

        private Tensor To(ScalarType type, Device device, bool copy, bool disposeAfter, bool non_blocking)
        {
            InitializeDeviceType(device.type);
            var result = s_toDevice.Call(this, (ScalarType?)type, Arg.None, device, Arg.None, non_blocking, copy);
            if (disposeAfter) Dispose();
            return result;
        }
    }
}
