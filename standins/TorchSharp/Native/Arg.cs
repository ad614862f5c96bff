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
    Generator = 11,
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

    /// <summary>Eight-byte words that the argument needs beside its own.</summary>
    public int Words => _object switch
    {
        null or torch.Tensor => 0,
        long[] list => list.Length,
        torch.Tensor?[] list => list.Length,
        double[] list => list.Length,
        string text => (System.Text.Encoding.UTF8.GetMaxByteCount(text.Length) / 8) + 1,
        _ => 0,
    };

    public static implicit operator Arg(torch.Tensor? tensor) => tensor is null ? None : new Arg(Tag.Tensor, o: tensor);

    public static implicit operator Arg(long value) => new(Tag.Int, value);

    public static implicit operator Arg(int value) => new(Tag.Int, value);

    public static implicit operator Arg(long? value) => value is { } v ? new Arg(Tag.Int, v) : None;

    public static implicit operator Arg(double value) => new(Tag.Double, d: value);

    public static implicit operator Arg(bool value) => new(Tag.Bool, value ? 1 : 0);

    public static implicit operator Arg(long[]? value) => value is null ? None : new Arg(Tag.IntList, o: value);

    public static implicit operator Arg(double[] value) => new(Tag.DoubleList, o: value);

    public static implicit operator Arg(torch.Tensor?[] value) => new(Tag.TensorList, o: value);

    public static implicit operator Arg(string? value) => value is null ? None : new Arg(Tag.String, o: value);

    public static implicit operator Arg(Scalar? value) => value is null ? None
        : value.IsFloat ? new Arg(Tag.Double, d: value.AsDouble)
        : new Arg(value.Type == torch.ScalarType.Bool ? Tag.Bool : Tag.Int, value.AsLong);

    public static implicit operator Arg(torch.ScalarType? type) => type is { } t ? new Arg(Tag.Int, (long)t) : None;

    public static implicit operator Arg(torch.Device? device) => device is null ? None : new Arg(Tag.Device, (long)device.type, device.index);

    public static implicit operator Arg(torch.Generator? generator) => generator is null ? None : new Arg(Tag.Generator, generator.Handle);

    /// <summary>Writes the argument; lists and texts go to the words, which move on.</summary>
    public unsafe void Write(NativeArg* native, ref long* words)
    {
        *native = new NativeArg { Tag = _tag, Int = _int, Double = _double };
        switch (_object)
        {
            case null:
                if (_tag == Tag.Device) native->Count = (int)_double;
                if (_tag == Tag.Generator) native->Pointer = (IntPtr)_int;
                return;
            case torch.Tensor tensor:
                native->Pointer = tensor.Handle;
                return;
            case long[] list:
                native->Count = list.Length;
                list.CopyTo(new Span<long>(words, list.Length));
                break;
            case double[] list:
                native->Count = list.Length;
                list.CopyTo(new Span<double>(words, list.Length));
                break;
            case torch.Tensor?[] list:
                native->Count = list.Length;
                for (var i = 0; i < list.Length; i++) words[i] = list[i]?.Handle ?? IntPtr.Zero;
                break;
            case string text:
                native->Count = System.Text.Encoding.UTF8.GetBytes(text, new Span<byte>(words, Words * 8));
                break;
            default:
                throw new InvalidOperationException($"No argument can be made of {_object.GetType()}.");
        }

        native->Pointer = (IntPtr)words;
        words += Words;
    }
}
