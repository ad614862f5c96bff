using TorchSharp.Native;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor of libtorch.</summary>
    public partial class Tensor : IDisposable
    {
        internal IntPtr handle;
        private static long s_count;
        private static long s_peak;

        internal Tensor(IntPtr handle, bool register = true)
        {
            this.handle = handle;
            var count = Interlocked.Increment(ref s_count);
            if (count > s_peak) s_peak = count;
            if (register) DisposeScopeManager.ThreadSingleton.Register(this);
        }

        ~Tensor() => Dispose(false);

        /// <summary>Live tensor objects of the process.</summary>
        public static long TotalCount => Interlocked.Read(ref s_count);

        public static long PeakCount => s_peak;

        public string? name { get; set; }

        public IntPtr Handle => handle != IntPtr.Zero ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public bool IsInvalid => handle == IntPtr.Zero;

        public long Dimensions => Library.xt_dim(Handle);

        public long ndim => Dimensions;

        public long NumberOfElements => numel();

        public long ElementSize => SizeOf(dtype);

        public long[] shape
        {
            get
            {
                var sizes = new long[Library.xt_dim(Handle)];
                for (var i = 0; i < sizes.Length; i++) sizes[i] = Library.xt_size(handle, i);
                return sizes;
            }
        }

        public ScalarType dtype => (ScalarType)Library.xt_dtype(Handle);

        public Device device => device_type == DeviceType.CPU ? CPU : new Device(device_type, device_index);

        public DeviceType device_type => (DeviceType)Library.xt_device_type(Handle);

        public int device_index => Library.xt_device_index(Handle);

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_leaf => Library.xt_is_leaf(Handle) != 0;

        public bool requires_grad
        {
            get => Library.xt_requires_grad(Handle) != 0;
            set => Library.Check(Library.xt_set_requires_grad(Handle, value ? 1 : 0));
        }

        public Tensor? grad
        {
            get => Library.xt_grad(Handle) is var g && g != IntPtr.Zero ? new Tensor(g) : null;
            set => Library.Check(Library.xt_set_grad(Handle, value?.Handle ?? IntPtr.Zero));
        }

        /// <summary>Elements as they lie in memory; the tensor must be contiguous and on the CPU.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                if (!is_contiguous()) throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
                var size = numel() * ElementSize;
                if (size > int.MaxValue) throw new ArgumentException("Span only supports up to int.MaxValue elements.");
                if (device_type != DeviceType.CPU) throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
                return new Span<byte>(Library.xt_data(handle), (int)size);
            }

            set
            {
                if (value.Length != numel() * ElementSize) throw new ArgumentException("Mismatched data sizes in SetBytes().");
                value.CopyTo(bytes);
            }
        }

        internal DisposeScope? OwningDisposeScope { get; set; }

        internal int ScopeIndex { get; set; }

        public long numel() => Library.xt_numel(Handle);

        public long dim() => Dimensions;

        public long element_size() => ElementSize;

        public long[] size() => shape;

        public long size(int dim)
        {
            var rank = Library.xt_dim(Handle);
            if (dim < -rank || dim >= rank) throw new System.Runtime.InteropServices.ExternalException($"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got {dim})");
            return Library.xt_size(handle, dim < 0 ? rank + dim : dim);
        }

        public long[] stride()
        {
            var strides = new long[Library.xt_dim(Handle)];
            for (var i = 0; i < strides.Length; i++) strides[i] = Library.xt_stride(handle, i);
            return strides;
        }

        public long stride(int dim) => stride()[dim < 0 ? dim + (int)Dimensions : dim];

        public long storage_offset() => Library.xt_offset(Handle);

        public bool is_contiguous() => Library.xt_is_contiguous(Handle) != 0;

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);

        public void retain_grad() => Library.Check(Library.xt_retain_grad(Handle));

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>Elements in order; a tensor on another device is copied to the CPU.</summary>
        public TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            TensorAccessor<T>.Validate(dtype);
            return new TensorAccessor<T>(device_type == DeviceType.CPU ? this : cpu());
        }

        public T item<T>()
            where T : unmanaged => numel() == 1 ? data<T>()[0] : throw new ArgumentException("Number of elements in the tensor must be 1");

        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is null) other?.Attach(this);
            else OwningDisposeScope.MoveToOther(other, this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        /// <summary>Gives the native tensor to another owner; this object becomes invalid.</summary>
        internal IntPtr MoveHandle()
        {
            var moved = Handle;
            handle = IntPtr.Zero;
            Interlocked.Decrement(ref s_count);
            GC.SuppressFinalize(this);
            return moved;
        }

        protected virtual void Dispose(bool disposing)
        {
            var freed = Interlocked.Exchange(ref handle, IntPtr.Zero);
            if (freed == IntPtr.Zero) return;
            if (disposing)
            {
                DisposeScopeManager.ThreadSingleton.Disposing(this);
                OwningDisposeScope?.Remove(this);
            }

            Interlocked.Decrement(ref s_count);
            Library.xt_free(freed);
        }
    }
}
