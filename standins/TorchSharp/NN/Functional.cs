using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long
        {
            None = 0,
            Mean = 1,
            Sum = 2,
        }

        public static partial class functional
        {
            private static readonly Op s_linear = new("aten::linear"), s_dropout = new("aten::dropout"), s_dropoutIn = new("aten::dropout_"), s_silu = new("aten::silu"), s_siluIn = new("aten::silu_"), s_gelu = new("aten::gelu"), s_geluIn = new("aten::gelu_"), s_relu = new("aten::relu"), s_reluIn = new("aten::relu_");
            private static readonly Op s_layerNorm = new("aten::layer_norm"), s_crossEntropy = new("aten::cross_entropy_loss"), s_nll = new("aten::nll_loss_nd"), s_mse = new("aten::mse_loss"), s_bce = new("aten::binary_cross_entropy_with_logits"), s_klDiv = new("aten::kl_div"), s_oneHot = new("aten::one_hot"), s_logSigmoid = new("aten::log_sigmoid"), s_cosine = new("aten::cosine_similarity");
            private static readonly Lazy<Op?> s_attention = new(Fused);

            public static Tensor linear(Tensor input, Tensor weights, Tensor? bias = null) => s_linear.Call(input, weights, bias);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace ? s_dropoutIn.On(input, p, training).alias() : s_dropout.Call(input, p, training);

            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? s_siluIn.On(x).alias() : s_silu.Call(x);

            public static Tensor gelu(Tensor x) => s_gelu.Call(x);

            public static Tensor gelu(Tensor x, bool inplace) => inplace ? s_geluIn.On(x).alias() : s_gelu.Call(x);

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? s_reluIn.On(x).alias() : s_relu.Call(x);

            public static Tensor logsigmoid(Tensor x) => s_logSigmoid.Call(x);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);

            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1e-05) => s_layerNorm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1L, double eps = 1e-12)
            {
                using var length = input.norm((int)dim, true, (float)p);
                using var floor = length.clamp_min(eps);
                return input.div(floor);
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) => s_cosine.Call(x1, x2, dim, eps);

            public static Tensor one_hot(Tensor x, long num_classes = -1) =>
                x.dtype == ScalarType.Int64 ? s_oneHot.Call(x, num_classes) : throw new ArgumentException("OneHot input tensor must have elements of type Int64");

            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0.0) =>
                s_crossEntropy.Call(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            public static Tensor nll_loss(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean) => s_nll.Call(input, target, weight, (long)reduction);

            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => s_mse.Call(input, target, (long)reduction);

            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor? weight = null, Reduction reduction = Reduction.Mean, Tensor? pos_weights = null) =>
                s_bce.Call(input, target, weight, pos_weights, (long)reduction);

            public static Tensor kl_div(Tensor input, Tensor target, bool log_target = true, Reduction reduction = Reduction.Mean) => s_klDiv.Call(input, target, (long)reduction, log_target);

            /// <summary>softmax(QKᵀ/√d + mask) V. libtorch has the operator from 2.0 on; before, it is put together.</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false)
            {
                if (p < 0) throw new ArgumentException("Dropout probability must be greater than or equal to zero.");
                if (is_casual && attn_mask is not null) throw new ArgumentException("Casual attention masking cannot pass a mask.");
                if (s_attention.Value is { } fused) return fused.Call(query, key, value, attn_mask, p, is_casual);
                using var scope = NewDisposeScope();
                var scores = (query * (1 / Math.Sqrt(query.size(-1)))).matmul(key.transpose(-2, -1));
                if (is_casual) scores = scores.masked_fill(ones([query.size(-2), key.size(-2)], ScalarType.Bool, query.device).triu(1), double.NegativeInfinity);
                if (attn_mask is not null) scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores + attn_mask;
                var weights = scores.softmax(-1);
                if (p > 0) weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }

            private static Op? Fused() => Library.xt_find("aten::scaled_dot_product_attention", "") == IntPtr.Zero ? null : new Op("aten::scaled_dot_product_attention");
        }

        public static partial class init
        {
            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public static Tensor zeros_(Tensor tensor) => Quietly(tensor, t => t.zero_());

            public static Tensor ones_(Tensor tensor) => Quietly(tensor, t => t.fill_(1));

            public static Tensor constant_(Tensor tensor, Scalar val) => Quietly(tensor, t => t.fill_(val));

            public static Tensor normal_(Tensor tensor, double mean = 0.0, double std = 1.0, Generator? generator = null) => Quietly(tensor, t => t.normal_(mean, std, generator));

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1.0, Generator? generator = null) => Quietly(tensor, t => t.uniform_(low, high, generator));

            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1.0)
            {
                var bound = gain * Math.Sqrt(6.0 / (Fan(tensor, FanInOut.FanIn) + Fan(tensor, FanInOut.FanOut)));
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor xavier_normal_(Tensor tensor, double gain = 1.0) => normal_(tensor, 0, gain * Math.Sqrt(2.0 / (Fan(tensor, FanInOut.FanIn) + Fan(tensor, FanInOut.FanOut))));

            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                var bound = Math.Sqrt(3.0) * Gain(nonlinearity, a) / Math.Sqrt(Fan(tensor, mode));
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, Gain(nonlinearity, a) / Math.Sqrt(Fan(tensor, mode)));

            private static double Gain(NonlinearityType nonlinearity, double a) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + (a * a))),
                _ => 1,
            };

            private static long Fan(Tensor tensor, FanInOut mode)
            {
                var shape = tensor.shape;
                if (shape.Length < 2) throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
                return shape[mode == FanInOut.FanIn ? 1 : 0] * shape.Skip(2).Aggregate(1L, (a, b) => a * b);
            }

            private static Tensor Quietly(Tensor tensor, Action<Tensor> change)
            {
                using var noGrad = no_grad();
                change(tensor);
                return tensor;
            }
        }

        public static partial class utils
        {
            /// <summary>Scales all gradients so that together they are no longer than a limit; gives their length before.</summary>
            public static double clip_grad_norm_(IEnumerable<Modules.Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var scope = NewDisposeScope();
                using var noGrad = no_grad();
                var grads = tensors.Select(p => p.grad).OfType<Tensor>().ToArray();
                if (grads.Length == 0) return 0;
                double total;
                if (double.IsPositiveInfinity(norm_type)) total = grads.Max(g => g.abs().max().to_type(ScalarType.Float64).item<double>());
                else total = stack(grads.Select(g => g.norm((float)norm_type))).norm((float)norm_type).to_type(ScalarType.Float64).item<double>();
                var scale = max_norm / (total + 1e-6);
                if (scale < 1)
                {
                    foreach (var grad in grads) grad.mul_(scale);
                }

                return total;
            }

            public static void clip_grad_value_(IEnumerable<Modules.Parameter> tensors, double clip_value)
            {
                using var scope = NewDisposeScope();
                using var noGrad = no_grad();
                foreach (var grad in tensors.Select(p => p.grad).OfType<Tensor>()) grad.clamp_(-clip_value, clip_value);
            }

            public static Tensor parameters_to_vector(IEnumerable<Modules.Parameter> tensors) => WrappedTensorDisposeScope(() => cat(tensors.Select(p => p.view(-1)).ToArray()));
        }
    }
}
