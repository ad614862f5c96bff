using System.Collections;
using TorchSharp.Native;

namespace TorchSharp.Utils;

/// <summary>Typed view of a CPU tensor's elements, in order of their indices.</summary>
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : unmanaged
{
    private readonly torch.Tensor _tensor;
    private readonly torch.Tensor? _own;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device.type != DeviceType.CPU) throw new InvalidOperationException("Reading data needs a tensor on the CPU: call cpu() first.");
        unsafe
        {
            if (sizeof(T) != torch.Tensor.ElementSize(tensor.dtype)) throw new ArgumentException($"The tensor holds {tensor.dtype}, not {typeof(T).Name}.");
        }

        if (tensor.is_contiguous()) _tensor = tensor;
        else _tensor = _own = tensor.contiguous().DetachFromDisposeScope();
    }

    public long Count => _tensor.numel();

    public unsafe T this[long index]
    {
        get => index >= 0 && index < Count ? ((T*)Library.xt_data(_tensor.Handle))[index] : throw new IndexOutOfRangeException();
        set => ((T*)Library.xt_data(_tensor.Handle))[index >= 0 && index < Count ? index : throw new IndexOutOfRangeException()] = value;
    }

    public unsafe T[] ToArray() => new ReadOnlySpan<T>(Library.xt_data(_tensor.Handle), checked((int)Count)).ToArray();

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)ToArray()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() => _own?.Dispose();
}

/// <summary>Name of a field among its module's components, as it stands in checkpoints.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class ComponentNameAttribute : Attribute
{
    public string? Name { get; set; }
}
