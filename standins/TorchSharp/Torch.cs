using TorchSharp.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Version of the libtorch that this was compiled against, with four numbers as in the package.</summary>
    public static string __version__ { get; } = System.Runtime.InteropServices.Marshal.PtrToStringUTF8(Library.xt_version())!;

    public static void set_num_threads(int num) => Library.xt_set_threads(num);

    public static int get_num_threads() => Library.xt_threads();

    public static void set_num_interop_threads(int num) => Library.Check(Library.xt_set_interop_threads(num));

    public static int get_num_interop_threads() => Library.xt_interop_threads();

    /// <summary>Switches gradients off on this thread until it is disposed.</summary>
    public static IDisposable no_grad() => new GradientMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradientMode(enabled);

    public static IDisposable set_grad_enabled(bool mode = true) => new GradientMode(mode);

    public static bool is_grad_enabled() => Library.xt_grad_enabled(0, 0) != 0;

    /// <summary>Switches all of autograd's bookkeeping off on this thread until it is disposed.</summary>
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    private sealed class GradientMode : IDisposable
    {
        private readonly int _before;

        public GradientMode(bool enabled) => _before = Library.xt_grad_enabled(1, enabled ? 1 : 0);

        public void Dispose() => Library.xt_grad_enabled(1, _before);
    }

    private sealed class InferenceMode(bool mode) : IDisposable
    {
        private IntPtr _guard = Library.xt_inference_enter(mode ? 1 : 0);

        public void Dispose()
        {
            if (_guard != IntPtr.Zero) Library.xt_inference_leave(_guard);
            _guard = IntPtr.Zero;
        }
    }

    public static partial class cuda
    {
        public static bool is_available() => Library.xt_has_cuda() != 0 && Library.xt_cuda_count() > 0;

        public static int device_count() => Library.xt_cuda_count();

        public static void manual_seed(long seed) => torch.manual_seed(seed);

        public static void manual_seed_all(long seed) => torch.manual_seed(seed);

        public static void synchronize(Device? device = null) => Library.Check(Library.xt_cuda_synchronize(device?.index ?? 0));
    }

    public static partial class autograd
    {
        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static unsafe void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            fixed (IntPtr* outputs = Handles(tensors), grads = Handles(grad_tensors), leaves = Handles(inputs))
            {
                Library.Check(Library.xt_backward(outputs, tensors.Count, grads, grad_tensors?.Count ?? 0, retain_graph ?? create_graph ? 1 : 0, create_graph ? 1 : 0, leaves, inputs?.Count ?? 0));
            }

            GC.KeepAlive((tensors, grad_tensors, inputs));
        }

        /// <summary>Gradients of outputs with respect to inputs; with allow_unused, an input that was not used has an invalid tensor.</summary>
        public static unsafe IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            var made = new IntPtr[inputs.Count];
            fixed (IntPtr* roots = Handles(outputs), leaves = Handles(inputs), grads = Handles(grad_outputs), results = made)
            {
                Library.Check(Library.xt_gradients(roots, outputs.Count, leaves, inputs.Count, grads, grad_outputs?.Count ?? 0, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, results));
            }

            GC.KeepAlive((outputs, inputs, grad_outputs));
            return [.. made.Select(handle => handle == IntPtr.Zero ? null! : new Tensor(handle))];
        }

        private static IntPtr[] Handles(IList<Tensor>? tensors) => tensors is null ? [] : [.. tensors.Select(t => t.Handle)];
    }
}
