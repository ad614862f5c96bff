using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private static readonly Op s_matmul = new("aten::matmul"), s_mm = new("aten::mm"), s_bmm = new("aten::bmm"), s_mv = new("aten::mv"), s_dot = new("aten::dot"), s_outer = new("aten::outer");
        private static readonly Op s_addmm = new("aten::addmm"), s_baddbmm = new("aten::baddbmm"), s_inverse = new("aten::inverse");

        public Tensor matmul(Tensor target) => s_matmul.Call(this, target);

        public Tensor mm(Tensor target) => s_mm.Call(this, target);

        public Tensor bmm(Tensor batch2) => s_bmm.Call(this, batch2);

        public Tensor mv(Tensor target) => s_mv.Call(this, target);

        public Tensor dot(Tensor target) => s_dot.Call(this, target);

        public Tensor outer(Tensor vec2) => s_outer.Call(this, vec2);

        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1, float alpha = 1) => s_addmm.Call(this, mat1, mat2, beta, alpha);

        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1, float alpha = 1) => s_baddbmm.Call(this, batch1, batch2, beta, alpha);

        public Tensor inverse() => s_inverse.Call(this);
    }

    public static partial class linalg
    {
        private static readonly Op s_eigh = new("aten::linalg_eigh"), s_svd = new("aten::linalg_svd"), s_inv = new("aten::linalg_inv"), s_qr = new("aten::linalg_qr"), s_cholesky = new("aten::linalg_cholesky"), s_solve = new("aten::linalg_solve"), s_norm = new("aten::linalg_norm");

        public static (Tensor, Tensor) eigh(Tensor input, char UPLO = 'L') => s_eigh.CallTwo(input, UPLO.ToString());

        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true)
        {
            var parts = s_svd.CallMany(input, fullMatrices);
            return (parts[0], parts[1], parts[2]);
        }

        public static Tensor inv(Tensor input) => s_inv.Call(input);

        public static Tensor cholesky(Tensor input) => s_cholesky.Call(input);

        public static Tensor solve(Tensor A, Tensor B, bool left = true) => left ? s_solve.Call(A, B) : s_solve.Call(A.mT, B.mT).mT;

        public static Tensor norm(Tensor input, long[]? dims = null, bool keepdim = false) => s_norm.Call(input, Arg.None, dims, keepdim);
    }
}
