using System.Runtime.InteropServices;

namespace TorchSharp.Native;

/// <summary>The C interface of native/TorchDispatch.cpp. Calls that only read a field skip the runtime's transition.</summary>
internal static unsafe partial class Library
{
    private const string Name = "TorchDispatch";

    [LibraryImport(Name)] public static partial IntPtr xt_error();
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] public static partial IntPtr xt_find(string name, string overload);
    [LibraryImport(Name)] public static partial int xt_call(IntPtr op, NativeArg* args, int count, NativeResult** results);
    [LibraryImport(Name)] public static partial IntPtr xt_from(void* data, int dtype, long* shape, int rank);
    [LibraryImport(Name)] public static partial void xt_free(IntPtr t);
    [LibraryImport(Name)] public static partial IntPtr xt_alias(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial long xt_identity(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_dim(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial long xt_size(IntPtr t, int dim);
    [LibraryImport(Name)][SuppressGCTransition] public static partial long xt_stride(IntPtr t, int dim);
    [LibraryImport(Name)][SuppressGCTransition] public static partial long xt_offset(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial long xt_numel(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_dtype(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_device_type(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_device_index(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_is_contiguous(IntPtr t);
    [LibraryImport(Name)] public static partial void* xt_data(IntPtr t);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_requires_grad(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_is_leaf(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_set_requires_grad(IntPtr t, int on);
    [LibraryImport(Name)] public static partial int xt_retain_grad(IntPtr t);
    [LibraryImport(Name)] public static partial IntPtr xt_grad(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_set_grad(IntPtr t, IntPtr g);
    [LibraryImport(Name)] public static partial int xt_backward(IntPtr* tensors, int count, IntPtr* grads, int gradCount, int retain, int create, IntPtr* inputs, int inputCount);
    [LibraryImport(Name)] public static partial int xt_gradients(IntPtr* outputs, int count, IntPtr* inputs, int inputCount, IntPtr* grads, int gradCount, int retain, int create, int unused, IntPtr* made);
    [LibraryImport(Name)] public static partial int xt_depend(long key, delegate* unmanaged<long, IntPtr*, int, IntPtr*, int, int> backward, delegate* unmanaged<long, void> dropped, IntPtr* inputs, int count, IntPtr* outputs, int outputCount);
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] public static partial void xt_set_error(string text);
    [LibraryImport(Name)][SuppressGCTransition] public static partial int xt_grad_enabled(int set, int on);
    [LibraryImport(Name)] public static partial IntPtr xt_inference_enter(int on);
    [LibraryImport(Name)] public static partial void xt_inference_leave(IntPtr guard);
    [LibraryImport(Name)] public static partial void xt_set_threads(int n);
    [LibraryImport(Name)] public static partial int xt_threads();
    [LibraryImport(Name)] public static partial int xt_set_interop_threads(int n);
    [LibraryImport(Name)] public static partial int xt_interop_threads();
    [LibraryImport(Name)] public static partial int xt_seed(long seed);
    [LibraryImport(Name)] public static partial IntPtr xt_generator(ulong seed, int deviceType, int deviceIndex);
    [LibraryImport(Name)] public static partial IntPtr xt_generator_default();
    [LibraryImport(Name)] public static partial void xt_generator_free(IntPtr g);
    [LibraryImport(Name)] public static partial void xt_generator_seed(IntPtr g, long seed);
    [LibraryImport(Name)] public static partial long xt_generator_initial_seed(IntPtr g);
    [LibraryImport(Name)] public static partial IntPtr xt_generator_state(IntPtr g);
    [LibraryImport(Name)] public static partial int xt_generator_set_state(IntPtr g, IntPtr state);
    [LibraryImport(Name)] public static partial IntPtr xt_version();
    [LibraryImport(Name)] public static partial int xt_has_cuda();
    [LibraryImport(Name)] public static partial int xt_cuda_count();
    [LibraryImport(Name)] public static partial int xt_cuda_synchronize(int index);

    /// <summary>What the last failed call on this thread said.</summary>
    public static ExternalException Error() => new(Marshal.PtrToStringUTF8(xt_error()) ?? "libtorch failed.");

    public static void Check(int result)
    {
        if (result < 0) throw Error();
    }
}
