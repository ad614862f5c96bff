using System.Runtime.InteropServices;

namespace TorchSharp.Native;

internal enum Tag
{
    None = 0,
    Tensor = 1,
    Int = 2,
    Double = 3,
    Bool = 4,
    IntList = 5,
    TensorList = 6,
    Default = 7,
    Device = 8,
    DoubleList = 9,
    String = 10,
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeArg
{
    public Tag Tag;
    public int Count;
    public long Int;
    public double Double;
    public IntPtr Pointer;
}

[StructLayout(LayoutKind.Sequential)]
internal struct NativeResult
{
    public Tag Tag;
    public int Padding;
    public long Int;
    public double Double;
    public IntPtr Pointer;
}

/// <summary>One argument of an operator.</summary>
internal readonly struct Arg
{
    private readonly Tag _tag;
    private readonly long _int;
    private readonly double _double;
    private readonly object? _object;

    private Arg(Tag tag, long i = 0, double d = 0, object? o = null) => (_tag, _int, _double, _object) = (tag, i, d, o);

    public static Arg Default => new(Tag.Default);

    public static Arg None => new(Tag.None);

    public static implicit operator Arg(torch.Tensor? tensor) => tensor is null ? None : new Arg(Tag.Tensor, o: tensor);

    public static implicit operator Arg(long value) => new(Tag.Int, value);

    public static implicit operator Arg(int value) => new(Tag.Int, value);

    public static implicit operator Arg(long? value) => value is { } v ? new Arg(Tag.Int, v) : None;

    public static implicit operator Arg(double value) => new(Tag.Double, d: value);

    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0);

    public static implicit operator Arg(long[] value) => new(Tag.IntList, o: value);

    public static implicit operator Arg(torch.Tensor[] value) => new(Tag.TensorList, o: value);

    public static implicit operator Arg(string value) => new(Tag.String, o: value);

    public static implicit operator Arg(Scalar value) => value.IsFloat ? value.AsDouble : new Arg(Tag.Int, value.AsLong);

    public static implicit operator Arg(torch.ScalarType? type) => type is { } t ? new Arg(Tag.Int, (long)t) : None;

    public static implicit operator Arg(torch.Device? device) => device is null ? None : new Arg(Tag.Device, (long)device.type, device.index);

    public NativeArg Pin(ref List<GCHandle>? pins)
    {
        var native = new NativeArg { Tag = _tag, Int = _int, Double = _double };
        switch (_object)
        {
            case torch.Tensor tensor: native.Pointer = tensor.Handle; break;
            case long[] list: native.Pointer = Pin(list, ref pins); native.Count = list.Length; break;
            case torch.Tensor[] tensors:
                var handles = Array.ConvertAll(tensors, t => t?.Handle ?? IntPtr.Zero);
                native.Pointer = Pin(handles, ref pins);
                native.Count = handles.Length;
                break;
            case string text:
                var bytes = System.Text.Encoding.UTF8.GetBytes(text);
                native.Pointer = Pin(bytes, ref pins);
                native.Count = bytes.Length;
                break;
            default: break;
        }

        if (_tag == Tag.Device) native.Count = (int)_double;
        return native;
    }

    private static IntPtr Pin(object array, ref List<GCHandle>? pins)
    {
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        (pins ??= []).Add(pin);
        return pin.AddrOfPinnedObject();
    }
}

internal static unsafe partial class Library
{
    private const string Name = "TorchDispatch";

    [LibraryImport(Name)] public static partial IntPtr xt_error();
    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)] public static partial IntPtr xt_find(string name, string overload);
    [LibraryImport(Name)] public static partial int xt_call(IntPtr op, NativeArg* args, int count, NativeResult* results, int room);
    [LibraryImport(Name)] public static partial IntPtr xt_from(void* data, int dtype, long* shape, int rank);
    [LibraryImport(Name)] public static partial void xt_free(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_dim(IntPtr t);
    [LibraryImport(Name)] public static partial long xt_size(IntPtr t, int dim);
    [LibraryImport(Name)] public static partial long xt_stride(IntPtr t, int dim);
    [LibraryImport(Name)] public static partial long xt_numel(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_dtype(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_device_type(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_device_index(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_is_contiguous(IntPtr t);
    [LibraryImport(Name)] public static partial void* xt_data(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_requires_grad(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_set_requires_grad(IntPtr t, int on);
    [LibraryImport(Name)] public static partial IntPtr xt_grad(IntPtr t);
    [LibraryImport(Name)] public static partial void xt_set_grad(IntPtr t, IntPtr g);
    [LibraryImport(Name)] public static partial int xt_backward(IntPtr t);
    [LibraryImport(Name)] public static partial int xt_grad_enabled(int set, int on);
    [LibraryImport(Name)] public static partial void xt_set_threads(int n);
    [LibraryImport(Name)] public static partial int xt_threads();
    [LibraryImport(Name)] public static partial int xt_seed(long seed);
    [LibraryImport(Name)] public static partial int xt_has_cuda();
    [LibraryImport(Name)] public static partial IntPtr xt_version();

    public static ExternalException Error() => new(Marshal.PtrToStringUTF8(xt_error()) ?? "libtorch failed.");
}

/// <summary>One operator of the dispatcher, found once.</summary>
internal sealed unsafe class Op(string name, string overload = "")
{
    private const int Room = 256;
    private IntPtr _handle;

    /// <summary>Calls it for one tensor.</summary>
    public torch.Tensor Call(params ReadOnlySpan<Arg> args)
    {
        var result = Run(args, 1)[0];
        return new torch.Tensor(result.Pointer);
    }

    /// <summary>Calls it for several tensors.</summary>
    public torch.Tensor[] CallMany(params ReadOnlySpan<Arg> args) => Array.ConvertAll(Run(args, Room), r => new torch.Tensor(r.Pointer));

    /// <summary>Calls it for what it does to its arguments.</summary>
    public void CallInPlace(params ReadOnlySpan<Arg> args)
    {
        foreach (var result in Run(args, Room))
        {
            if (result.Tag == Tag.Tensor) Library.xt_free(result.Pointer);
        }
    }

    private NativeResult[] Run(ReadOnlySpan<Arg> args, int room)
    {
        if (_handle == IntPtr.Zero)
        {
            _handle = Library.xt_find(name, overload);
            if (_handle == IntPtr.Zero) throw Library.Error();
        }

        List<GCHandle>? pins = null;
        try
        {
            var native = stackalloc NativeArg[Math.Max(1, args.Length)];
            for (var i = 0; i < args.Length; i++) native[i] = args[i].Pin(ref pins);
            var results = stackalloc NativeResult[room];
            var count = Library.xt_call(_handle, native, args.Length, results, room);
            if (count < 0) throw Library.Error();
            return new Span<NativeResult>(results, count).ToArray();
        }
        finally
        {
            foreach (var pin in pins ?? []) pin.Free();
        }
    }
}
