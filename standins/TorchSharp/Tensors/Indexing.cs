using System.Runtime.CompilerServices;
using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_index = new("aten::index.Tensor"), s_indexPut = new("aten::index_put_"), s_indexSelect = new("aten::index_select"), s_indexCopy = new("aten::index_copy"), s_indexCopyIn = new("aten::index_copy_"), s_indexAdd = new("aten::index_add"), s_indexAddIn = new("aten::index_add_");
        private static readonly Op s_gather = new("aten::gather"), s_scatter = new("aten::scatter.src"), s_scatterIn = new("aten::scatter_.src"), s_scatterAdd = new("aten::scatter_add"), s_scatterAddIn = new("aten::scatter_add_"), s_takeAlong = new("aten::take_along_dim");
        private static readonly Op s_maskedFill = new("aten::masked_fill.Scalar"), s_maskedFillIn = new("aten::masked_fill_.Scalar"), s_maskedSelect = new("aten::masked_select"), s_where = new("aten::where.self"), s_nonzero = new("aten::nonzero"), s_unique = new("aten::_unique2"), s_uniqueDim = new("aten::unique_dim");

        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => Put(value, i1);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => At(i1, i2);
            set => Put(value, i1, i2);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => At(i1, i2, i3);
            set => Put(value, i1, i2, i3);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => At(i1, i2, i3, i4);
            set => Put(value, i1, i2, i3, i4);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var basic = Basic(indices, out var advanced);
            return advanced is null ? basic : Replace(basic, s_index.Call(basic, advanced));
        }

        public Tensor index(params Tensor[] indices) => s_index.Call(this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using var basic = Basic(indices, out var advanced);
            if (advanced is not null) s_indexPut.On(basic, advanced, value, accumulate);
            else if (accumulate) basic.add_(value);
            else basic.copy_(value);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => s_indexPut.On(this, indices, value, false);

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => s_indexPut.On(this, indices, value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var basic = Basic(indices, out var advanced);
            using var filler = full([], value, dtype, device);
            if (advanced is null) basic.fill_(value);
            else s_indexPut.On(basic, advanced, filler, false);
            return this;
        }

        public Tensor index_select(long dim, Tensor index) => s_indexSelect.Call(this, dim, index);

        public Tensor index_copy(long dim, Tensor index, Tensor source) => s_indexCopy.Call(this, dim, index, source);

        public Tensor index_copy_(long dim, Tensor index, Tensor source) => s_indexCopyIn.On(this, dim, index, source);

        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => s_indexAdd.Call(this, dim, index, source, alpha);

        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => s_indexAddIn.On(this, dim, index, source, alpha);

        public Tensor gather(long dim, Tensor index) => s_gather.Call(this, dim, index);

        public Tensor scatter(long dim, Tensor index, Tensor src) => s_scatter.Call(this, dim, index, src);

        public Tensor scatter_(long dim, Tensor index, Tensor src) => s_scatterIn.On(this, dim, index, src);

        public Tensor scatter_add(long dim, Tensor index, Tensor src) => s_scatterAdd.Call(this, dim, index, src);

        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => s_scatterAddIn.On(this, dim, index, src);

        public Tensor take_along_dim(Tensor indices) => s_takeAlong.Call(this, indices, Arg.None);

        public Tensor take_along_dim(Tensor indices, long dim) => s_takeAlong.Call(this, indices, dim);

        public Tensor masked_fill(Tensor mask, Scalar value) => s_maskedFill.Call(this, mask, value);

        public Tensor masked_fill_(Tensor mask, Scalar value) => s_maskedFillIn.On(this, mask, value);

        public Tensor masked_select(Tensor mask) => s_maskedSelect.Call(this, mask);

        public Tensor where(Tensor condition, Tensor y) => s_where.Call(condition, this, y);

        public Tensor nonzero() => s_nonzero.Call(this);

        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            var parts = dim is { } d ? s_uniqueDim.CallMany(this, d, sorted, return_inverse, return_counts) : s_unique.CallMany(this, sorted, return_inverse, return_counts);
            if (!return_inverse) parts[1].Dispose();
            if (!return_counts) parts[2].Dispose();
            return (parts[0], return_inverse ? parts[1] : null, return_counts ? parts[2] : null);
        }

        private static Tensor Replace(Tensor old, Tensor @new)
        {
            old.Dispose();
            return @new;
        }

        private Tensor At(params ReadOnlySpan<long> indices)
        {
            var at = alias();
            foreach (var i in indices) at = Replace(at, at.select(0, i));
            return at;
        }

        private void Put(Tensor value, params ReadOnlySpan<long> indices)
        {
            using var at = At(indices);
            at.copy_(value);
        }

        /// <summary>A view through the numbers, ranges and new axes; what is left for tensors goes to <paramref name="advanced"/>.</summary>
        private Tensor Basic(TensorIndex[] indices, out Tensor?[]? advanced)
        {
            var used = indices.Sum(i => i.Kind switch
            {
                TensorIndex.IndexKind.Single or TensorIndex.IndexKind.Slice => 1L,
                TensorIndex.IndexKind.Tensor => i.Where!.dtype == ScalarType.Bool ? i.Where.ndim : 1,
                _ => 0,
            });
            var rank = ndim;
            var at = alias();
            var dim = 0;
            List<Tensor?>? tensors = null;
            foreach (var i in indices)
            {
                switch (i.Kind)
                {
                    case TensorIndex.IndexKind.Single:
                        at = Replace(at, at.select(dim, i.Start!.Value));
                        break;
                    case TensorIndex.IndexKind.Slice:
                        if (i.Start is not null || i.Stop is not null || i.Step is not null) at = Replace(at, s_slice.Call(at, dim, i.Start, i.Stop, i.Step ?? 1));
                        dim++;
                        break;
                    case TensorIndex.IndexKind.Ellipsis:
                        dim += (int)(rank - used);
                        break;
                    case TensorIndex.IndexKind.NewAxis:
                        at = Replace(at, at.unsqueeze(dim++));
                        break;
                    case TensorIndex.IndexKind.Tensor:
                        tensors ??= [];
                        while (tensors.Count < dim) tensors.Add(null);
                        tensors.Add(i.Where);
                        dim += i.Where!.dtype == ScalarType.Bool ? (int)i.Where.ndim : 1;
                        break;
                    default:
                        throw new NotSupportedException("Indexing by a single truth value is not built here.");
                }
            }

            advanced = tensors?.ToArray();
            return at;
        }
    }
}
