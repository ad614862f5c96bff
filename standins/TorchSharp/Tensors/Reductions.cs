using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_sumAll = new("aten::sum"), s_sum = new("aten::sum.dim_IntList"), s_meanAll = new("aten::mean"), s_mean = new("aten::mean.dim"), s_prodAll = new("aten::prod"), s_prod = new("aten::prod.dim_int"), s_nansum = new("aten::nansum");
        private static readonly Op s_maxAll = new("aten::max"), s_max = new("aten::max.dim"), s_minAll = new("aten::min"), s_min = new("aten::min.dim"), s_amax = new("aten::amax"), s_amin = new("aten::amin"), s_argmax = new("aten::argmax"), s_argmin = new("aten::argmin"), s_median = new("aten::median");
        private static readonly Op s_softmax = new("aten::softmax.int"), s_logSoftmax = new("aten::log_softmax.int"), s_logsumexp = new("aten::logsumexp"), s_cumsum = new("aten::cumsum"), s_cumprod = new("aten::cumprod");
        private static readonly Op s_normAll = new("aten::norm.Scalar"), s_norm = new("aten::norm.ScalarOpt_dim"), s_stdAll = new("aten::std"), s_std = new("aten::std.dim"), s_varAll = new("aten::var"), s_var = new("aten::var.dim");
        private static readonly Op s_topk = new("aten::topk"), s_sort = new("aten::sort"), s_sortStable = new("aten::sort.stable"), s_argsort = new("aten::argsort"), s_kthvalue = new("aten::kthvalue"), s_bincount = new("aten::bincount"), s_countNonzero = new("aten::count_nonzero.dim_IntList"), s_histc = new("aten::histc");

        public Tensor sum(ScalarType? type = null) => s_sumAll.Call(this, type);

        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => s_sum.Call(this, new[] { dim }, keepdim, type);

        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => s_sum.Call(this, dim, keepdim, type);

        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => s_sum.Call(this, dim.ToArray(), keepdim, type);

        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => s_sum.Call(this, new[] { dim0, dim1 }, keepdim, type);

        public Tensor mean() => s_meanAll.Call(this);

        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => s_mean.Call(this, dimensions, keepdim, type);

        public Tensor prod(ScalarType? type = null) => s_prodAll.Call(this, type);

        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => s_prod.Call(this, dim, keepdim, type);

        public Tensor nansum() => s_nansum.Call(this);

        public Tensor max() => s_maxAll.Call(this);

        public Tensor max(Tensor other) => maximum(other);

        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => s_max.CallTwo(this, dim, keepdim);

        public Tensor min() => s_minAll.Call(this);

        public Tensor min(Tensor other) => minimum(other);

        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => s_min.CallTwo(this, dim, keepdim);

        public Tensor amax(params long[] dims) => s_amax.Call(this, dims);

        public Tensor amin(params long[] dims) => s_amin.Call(this, dims);

        public Tensor argmax() => s_argmax.Call(this);

        public Tensor argmax(long dim, bool keepdim = false) => s_argmax.Call(this, dim, keepdim);

        public Tensor argmin() => s_argmin.Call(this);

        public Tensor argmin(long dim, bool keepdim = false) => s_argmin.Call(this, dim, keepdim);

        public Tensor median() => s_median.Call(this);

        public Tensor softmax(long dim, ScalarType? dtype = null) => s_softmax.Call(this, dim, dtype);

        public Tensor log_softmax(long dim, ScalarType? dtype = null) => s_logSoftmax.Call(this, dim, dtype);

        public Tensor logsumexp(long dim, bool keepdim = false) => s_logsumexp.Call(this, new[] { dim }, keepdim);

        public Tensor cumsum(long dim, ScalarType? type = null) => s_cumsum.Call(this, dim, type);

        public Tensor cumprod(long dim, ScalarType? type = null) => s_cumprod.Call(this, dim, type);

        public Tensor norm(float p = 2.0f) => s_normAll.Call(this, p);

        public Tensor norm(int dim, bool keepdim = false, float p = 2.0f) => s_norm.Call(this, p, new[] { (long)dim }, keepdim);

        public Tensor std(bool unbiased = true) => s_stdAll.Call(this, unbiased);

        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => s_std.Call(this, new[] { dim }, unbiased, keepdim);

        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => s_std.Call(this, dimensions, unbiased, keepdim);

        public Tensor var(bool unbiased = true) => s_varAll.Call(this, unbiased);

        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => s_var.Call(this, new[] { dim }, unbiased, keepdim);

        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => s_var.Call(this, dimensions, unbiased, keepdim);

        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => s_topk.CallTwo(this, k, dim, largest, sorted);

        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) =>
            stable ? s_sortStable.CallTwo(this, true, dim, descending) : s_sort.CallTwo(this, dim, descending);

        public Tensor argsort(long dim = -1, bool descending = false) => s_argsort.Call(this, dim, descending);

        public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) => s_kthvalue.CallTwo(this, k, dim ?? -1, keepdim);

        public Tensor bincount(Tensor? weights, long minlength = 0) => s_bincount.Call(this, weights, minlength);

        public Tensor count_nonzero(long[]? dims = null) => s_countNonzero.Call(this, dims ?? [.. Enumerable.Range(0, (int)ndim).Select(d => (long)d)]);

        public Tensor histc(long bins = 100, long min = 0, long max = 0) => s_histc.Call(this, bins, min, max);
    }
}
