using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_eq = new("aten::eq.Tensor"), s_eqScalar = new("aten::eq.Scalar"), s_ne = new("aten::ne.Tensor"), s_neScalar = new("aten::ne.Scalar"), s_lt = new("aten::lt.Tensor"), s_ltScalar = new("aten::lt.Scalar"), s_bucketize = new("aten::bucketize.Tensor");
        private static readonly Op s_gt = new("aten::gt.Tensor"), s_gtScalar = new("aten::gt.Scalar"), s_le = new("aten::le.Tensor"), s_leScalar = new("aten::le.Scalar"), s_ge = new("aten::ge.Tensor"), s_geScalar = new("aten::ge.Scalar");
        private static readonly Op s_not = new("aten::logical_not"), s_and = new("aten::logical_and"), s_or = new("aten::logical_or"), s_xor = new("aten::logical_xor");
        private static readonly Op s_isnan = new("aten::isnan"), s_isinf = new("aten::isinf"), s_isfinite = new("aten::isfinite"), s_equal = new("aten::equal"), s_allclose = new("aten::allclose"), s_isclose = new("aten::isclose"), s_isin = new("aten::isin.Tensor_Tensor");
        private static readonly Op s_all = new("aten::all"), s_allDim = new("aten::all.dim"), s_any = new("aten::any"), s_anyDim = new("aten::any.dim");

        public Tensor eq(Tensor target) => s_eq.Call(this, target);

        public Tensor eq(Scalar target) => s_eqScalar.Call(this, target);

        public Tensor equal(Tensor target) => eq(target);

        public Tensor ne(Tensor target) => s_ne.Call(this, target);

        public Tensor ne(Scalar target) => s_neScalar.Call(this, target);

        public Tensor lt(Tensor target) => s_lt.Call(this, target);

        public Tensor lt(Scalar target) => s_ltScalar.Call(this, target);

        public Tensor gt(Tensor target) => s_gt.Call(this, target);

        public Tensor gt(Scalar target) => s_gtScalar.Call(this, target);

        public Tensor le(Tensor target) => s_le.Call(this, target);

        public Tensor le(Scalar target) => s_leScalar.Call(this, target);

        public Tensor ge(Tensor target) => s_ge.Call(this, target);

        public Tensor ge(Scalar target) => s_geScalar.Call(this, target);

        public Tensor logical_not() => s_not.Call(this);

        public Tensor logical_and(Tensor other) => s_and.Call(this, other);

        public Tensor logical_or(Tensor other) => s_or.Call(this, other);

        public Tensor logical_xor(Tensor other) => s_xor.Call(this, other);

        public Tensor isnan() => s_isnan.Call(this);

        public Tensor isinf() => s_isinf.Call(this);

        public Tensor isfinite() => s_isfinite.Call(this);

        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) => s_isin.Call(this, test_elements, assumeUnique, invert);

        public Tensor isclose(Tensor other, double rtol = 1e-05, double atol = 1e-08, bool nanEqual = false) => s_isclose.Call(this, other, rtol, atol, nanEqual);

        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) => s_allclose.CallBool(this, target, rtol, atol, equal_nan);

        /// <summary>Same shape and elements.</summary>
        public bool Equals(Tensor target) => target is not null && s_equal.CallBool(this, target);

        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) => s_bucketize.Call(this, boundaries, outInt32, right);

        public Tensor all() => s_all.Call(this);

        public Tensor all(long dim, bool keepdim = false) => s_allDim.Call(this, dim, keepdim);

        public Tensor any() => s_any.Call(this);

        public Tensor any(long dim, bool keepdim = false) => s_anyDim.Call(this, dim, keepdim);
    }
}
