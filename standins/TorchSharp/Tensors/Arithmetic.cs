using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>How a division is rounded.</summary>
    public enum RoundingMode
    {
        None,
        trunc,
        floor,
    }

    public partial class Tensor
    {
        private static readonly Op s_add = new("aten::add.Tensor"), s_addScalar = new("aten::add.Scalar"), s_addIn = new("aten::add_.Tensor"), s_addScalarIn = new("aten::add_.Scalar");
        private static readonly Op s_sub = new("aten::sub.Tensor"), s_subScalar = new("aten::sub.Scalar"), s_subIn = new("aten::sub_.Tensor"), s_subScalarIn = new("aten::sub_.Scalar"), s_rsub = new("aten::rsub.Scalar");
        private static readonly Op s_mul = new("aten::mul.Tensor"), s_mulScalar = new("aten::mul.Scalar"), s_mulIn = new("aten::mul_.Tensor"), s_mulScalarIn = new("aten::mul_.Scalar");
        private static readonly Op s_div = new("aten::div.Tensor"), s_divScalar = new("aten::div.Scalar"), s_divIn = new("aten::div_.Tensor"), s_divScalarIn = new("aten::div_.Scalar");
        private static readonly Op s_divMode = new("aten::div.Tensor_mode"), s_divScalarMode = new("aten::div.Scalar_mode"), s_divModeIn = new("aten::div_.Tensor_mode"), s_divScalarModeIn = new("aten::div_.Scalar_mode");
        private static readonly Op s_floorDivide = new("aten::floor_divide"), s_floorDivideScalar = new("aten::floor_divide.Scalar"), s_remainder = new("aten::remainder.Tensor"), s_remainderScalar = new("aten::remainder.Scalar"), s_fmod = new("aten::fmod.Tensor"), s_fmodScalar = new("aten::fmod.Scalar");
        private static readonly Op s_pow = new("aten::pow.Tensor_Tensor"), s_powScalar = new("aten::pow.Tensor_Scalar"), s_atan2 = new("aten::atan2"), s_maximum = new("aten::maximum"), s_minimum = new("aten::minimum");
        private static readonly Op s_addcmul = new("aten::addcmul"), s_addcmulIn = new("aten::addcmul_"), s_addcdiv = new("aten::addcdiv"), s_addcdivIn = new("aten::addcdiv_"), s_lerp = new("aten::lerp.Tensor"), s_lerpIn = new("aten::lerp_.Tensor");
        private static readonly Op s_neg = new("aten::neg"), s_negIn = new("aten::neg_"), s_abs = new("aten::abs"), s_sign = new("aten::sign"), s_reciprocal = new("aten::reciprocal"), s_square = new("aten::square");
        private static readonly Op s_exp = new("aten::exp"), s_expIn = new("aten::exp_"), s_exp2 = new("aten::exp2"), s_expm1 = new("aten::expm1"), s_log = new("aten::log"), s_logIn = new("aten::log_"), s_log2 = new("aten::log2"), s_log10 = new("aten::log10"), s_log1p = new("aten::log1p");
        private static readonly Op s_sqrt = new("aten::sqrt"), s_sqrtIn = new("aten::sqrt_"), s_rsqrt = new("aten::rsqrt"), s_rsqrtIn = new("aten::rsqrt_"), s_sin = new("aten::sin"), s_cos = new("aten::cos"), s_tan = new("aten::tan"), s_asin = new("aten::asin"), s_acos = new("aten::acos"), s_atan = new("aten::atan"), s_sinh = new("aten::sinh"), s_cosh = new("aten::cosh");
        private static readonly Op s_tanh = new("aten::tanh"), s_sigmoid = new("aten::sigmoid"), s_relu = new("aten::relu"), s_reluIn = new("aten::relu_"), s_silu = new("aten::silu"), s_gelu = new("aten::gelu"), s_erf = new("aten::erf");
        private static readonly Op s_floor = new("aten::floor"), s_ceil = new("aten::ceil"), s_round = new("aten::round.decimals"), s_trunc = new("aten::trunc"), s_frac = new("aten::frac");
        private static readonly Op s_clamp = new("aten::clamp"), s_clampTensor = new("aten::clamp.Tensor"), s_clampIn = new("aten::clamp_"), s_clampTensorIn = new("aten::clamp_.Tensor"), s_clampMin = new("aten::clamp_min"), s_clampMax = new("aten::clamp_max");
        private static readonly Op s_bitAnd = new("aten::bitwise_and.Tensor"), s_bitOr = new("aten::bitwise_or.Tensor"), s_bitXor = new("aten::bitwise_xor.Tensor"), s_bitNot = new("aten::bitwise_not");

        public Tensor add(Tensor target) => s_add.Call(this, target);

        public Tensor add(Tensor target, Scalar alpha) => s_add.Call(this, target, alpha);

        public Tensor add(Scalar scalar) => s_addScalar.Call(this, scalar);

        public Tensor add(Scalar scalar, Scalar alpha) => s_addScalar.Call(this, scalar, alpha);

        public Tensor add_(Tensor target) => s_addIn.On(this, target);

        public Tensor add_(Tensor target, Scalar alpha) => s_addIn.On(this, target, alpha);

        public Tensor add_(Scalar scalar) => s_addScalarIn.On(this, scalar);

        public Tensor add_(Scalar scalar, Scalar alpha) => s_addScalarIn.On(this, scalar, alpha);

        public Tensor sub(Tensor target) => s_sub.Call(this, target);

        public Tensor sub(Scalar target) => s_subScalar.Call(this, target);

        public Tensor sub_(Tensor target) => s_subIn.On(this, target);

        public Tensor sub_(Scalar target) => s_subScalarIn.On(this, target);

        public Tensor mul(Tensor target) => s_mul.Call(this, target);

        public Tensor mul(Scalar target) => s_mulScalar.Call(this, target);

        public Tensor mul_(Tensor target) => s_mulIn.On(this, target);

        public Tensor mul_(Scalar target) => s_mulScalarIn.On(this, target);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? s_div.Call(this, target) : s_divMode.Call(this, target, rounding_mode.ToString());

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? s_divScalar.Call(this, target) : s_divScalarMode.Call(this, target, rounding_mode.ToString());

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? s_divIn.On(this, target) : s_divModeIn.On(this, target, rounding_mode.ToString());

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => rounding_mode == RoundingMode.None ? s_divScalarIn.On(this, target) : s_divScalarModeIn.On(this, target, rounding_mode.ToString());

        public Tensor floor_divide(Tensor other) => s_floorDivide.Call(this, other);

        public Tensor floor_divide(Scalar other) => s_floorDivideScalar.Call(this, other);

        public Tensor remainder(Tensor target) => s_remainder.Call(this, target);

        public Tensor remainder(Scalar scalar) => s_remainderScalar.Call(this, scalar);

        public Tensor fmod(Tensor target) => s_fmod.Call(this, target);

        public Tensor fmod(Scalar scalar) => s_fmodScalar.Call(this, scalar);

        public Tensor pow(Tensor exponent) => s_pow.Call(this, exponent);

        public Tensor pow(Scalar exponent) => s_powScalar.Call(this, exponent);

        public Tensor atan2(Tensor other) => s_atan2.Call(this, other);

        public Tensor maximum(Tensor other) => s_maximum.Call(this, other);

        public Tensor minimum(Tensor other) => s_minimum.Call(this, other);

        public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcmul.Call(this, tensor1, tensor2, value);

        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcmulIn.On(this, tensor1, tensor2, value);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcdiv.Call(this, tensor1, tensor2, value);

        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => s_addcdiv.Call(this, tensor1, tensor2);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => s_addcdivIn.On(this, tensor1, tensor2, value);

        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => s_addcdivIn.On(this, tensor1, tensor2);

        public Tensor lerp(Tensor end, Tensor weight) => s_lerp.Call(this, end, weight);

        public Tensor lerp_(Tensor end, Tensor weight) => s_lerpIn.On(this, end, weight);

        public Tensor neg() => s_neg.Call(this);

        public Tensor neg_() => s_negIn.On(this);

        public Tensor abs() => s_abs.Call(this);

        public Tensor sign() => s_sign.Call(this);

        public Tensor reciprocal() => s_reciprocal.Call(this);

        public Tensor square() => s_square.Call(this);

        public Tensor exp() => s_exp.Call(this);

        public Tensor exp_() => s_expIn.On(this);

        public Tensor exp2() => s_exp2.Call(this);

        public Tensor expm1() => s_expm1.Call(this);

        public Tensor log() => s_log.Call(this);

        public Tensor log_() => s_logIn.On(this);

        public Tensor log2() => s_log2.Call(this);

        public Tensor log10() => s_log10.Call(this);

        public Tensor log1p() => s_log1p.Call(this);

        public Tensor sqrt() => s_sqrt.Call(this);

        public Tensor sqrt_() => s_sqrtIn.On(this);

        public Tensor rsqrt() => s_rsqrt.Call(this);

        public Tensor rsqrt_() => s_rsqrtIn.On(this);

        public Tensor sin() => s_sin.Call(this);

        public Tensor cos() => s_cos.Call(this);

        public Tensor tan() => s_tan.Call(this);

        public Tensor asin() => s_asin.Call(this);

        public Tensor acos() => s_acos.Call(this);

        public Tensor atan() => s_atan.Call(this);

        public Tensor sinh() => s_sinh.Call(this);

        public Tensor cosh() => s_cosh.Call(this);

        public Tensor tanh() => s_tanh.Call(this);

        public Tensor sigmoid() => s_sigmoid.Call(this);

        public Tensor relu() => s_relu.Call(this);

        public Tensor relu_() => s_reluIn.On(this);

        public Tensor silu() => s_silu.Call(this);

        public Tensor gelu() => s_gelu.Call(this);

        public Tensor erf() => s_erf.Call(this);

        public Tensor floor() => s_floor.Call(this);

        public Tensor ceil() => s_ceil.Call(this);

        public Tensor round(long decimals = 0L) => s_round.Call(this, decimals);

        public Tensor trunc() => s_trunc.Call(this);

        public Tensor frac() => s_frac.Call(this);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => s_clamp.Call(this, min, max);

        public Tensor clamp(Tensor? min = null, Tensor? max = null) => s_clampTensor.Call(this, min, max);

        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => s_clampIn.On(this, min, max);

        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => s_clampTensorIn.On(this, min, max);

        public Tensor clip(Scalar? min = null, Scalar? max = null) => s_clamp.Call(this, min, max);

        public Tensor clamp_min(Scalar min) => s_clampMin.Call(this, min);

        public Tensor clamp_max(Scalar max) => s_clampMax.Call(this, max);

        public Tensor bitwise_and(Tensor other) => s_bitAnd.Call(this, other);

        public Tensor bitwise_or(Tensor other) => s_bitOr.Call(this, other);

        public Tensor bitwise_xor(Tensor other) => s_bitXor.Call(this, other);

        public Tensor bitwise_not() => s_bitNot.Call(this);
    }
}
