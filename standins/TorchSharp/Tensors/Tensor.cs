using TorchSharp.Native;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor of libtorch.</summary>
    public partial class Tensor : IDisposable
    {
        private static long s_count;
        private IntPtr _handle;
        private DisposeScope? _scope;

        internal Tensor(IntPtr handle)
        {
            if (handle == IntPtr.Zero) throw Library.Error();
            _handle = handle;
            Interlocked.Increment(ref s_count);
            _scope = DisposeScope.Current;
            _scope?.Add(this);
        }

        ~Tensor() => Free();

        /// <summary>Live tensors of the process.</summary>
        public static long TotalCount => Interlocked.Read(ref s_count);

        public IntPtr Handle => _handle != IntPtr.Zero ? _handle : throw new InvalidOperationException("The tensor is disposed; was it made inside a dispose scope that has ended?");

        public bool IsInvalid => _handle == IntPtr.Zero;

        public long[] shape
        {
            get
            {
                var sizes = new long[Library.xt_dim(Handle)];
                for (var i = 0; i < sizes.Length; i++) sizes[i] = Library.xt_size(Handle, i);
                return sizes;
            }
        }

        public ScalarType dtype => (ScalarType)Library.xt_dtype(Handle);

        public Device device => new((DeviceType)Library.xt_device_type(Handle), Library.xt_device_index(Handle));

        public bool requires_grad
        {
            get => Library.xt_requires_grad(Handle) != 0;
            set
            {
                if (Library.xt_set_requires_grad(Handle, value ? 1 : 0) < 0) throw Library.Error();
            }
        }

        public Tensor? grad
        {
            get => Library.xt_grad(Handle) is var g && g != IntPtr.Zero ? new Tensor(g) : null;
            set => Library.xt_set_grad(Handle, value?.Handle ?? IntPtr.Zero);
        }

        public long numel() => Library.xt_numel(Handle);

        public long dim() => Library.xt_dim(Handle);

        public long ndim => dim();

        public long size(int d) => Library.xt_size(Handle, d < 0 ? (int)dim() + d : d);

        public bool is_contiguous() => Library.xt_is_contiguous(Handle) != 0;

        public void backward()
        {
            if (Library.xt_backward(Handle) < 0) throw Library.Error();
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        /// <summary>Elements in order; the tensor must be on the CPU.</summary>
        public TensorAccessor<T> data<T>()
            where T : unmanaged => new(this);

        public T item<T>()
            where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"item() needs one element, the tensor has {numel()}.");
            using var here = cpu();
            return here.data<T>()[0];
        }

        public unsafe Span<byte> bytes
        {
            get
            {
                if (device.type != DeviceType.CPU) throw new InvalidOperationException("Only a tensor on the CPU gives its bytes.");
                if (!is_contiguous()) throw new NotImplementedException("Bytes of a tensor that is not contiguous.");
                return new Span<byte>(Library.xt_data(Handle), checked((int)(numel() * ElementSize(dtype))));
            }
        }

        public Tensor MoveToOuterDisposeScope()
        {
            _scope?.Remove(this);
            _scope = _scope?.Outer;
            _scope?.Add(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            _scope?.Remove(this);
            _scope = null;
            return this;
        }

        public void Dispose()
        {
            _scope?.Remove(this);
            _scope = null;
            Free();
            GC.SuppressFinalize(this);
        }

        private void Free()
        {
            var handle = Interlocked.Exchange(ref _handle, IntPtr.Zero);
            if (handle == IntPtr.Zero) return;
            Library.xt_free(handle);
            Interlocked.Decrement(ref s_count);
        }

        internal static int ElementSize(ScalarType type) => type switch
        {
            ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
            ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
            ScalarType.Int32 or ScalarType.Float32 => 4,
            _ => 8,
        };
    }
}
