using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A number of one of the element types.</summary>
public sealed class Scalar : IDisposable
{
    private Scalar(ScalarType type, double asDouble, long asLong) => (Type, AsDouble, AsLong) = (type, asDouble, asLong);

    public ScalarType Type { get; }

    internal bool IsFloat => Type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;

    internal double AsDouble { get; }

    internal long AsLong { get; }

    public static implicit operator Scalar(byte value) => Whole(ScalarType.Byte, value);

    public static implicit operator Scalar(sbyte value) => Whole(ScalarType.Int8, value);

    public static implicit operator Scalar(short value) => Whole(ScalarType.Int16, value);

    public static implicit operator Scalar(int value) => Whole(ScalarType.Int32, value);

    public static implicit operator Scalar(long value) => Whole(ScalarType.Int64, value);

    public static implicit operator Scalar(Half value) => Real(ScalarType.Float16, (double)value);

    public static implicit operator Scalar(float value) => Real(ScalarType.Float32, value);

    public static implicit operator Scalar(double value) => Real(ScalarType.Float64, value);

    public static implicit operator Scalar(bool value) => Whole(ScalarType.Bool, value ? 1 : 0);

    /// <summary>Nothing is held; the official one holds a native number.</summary>
    public void Dispose() => GC.SuppressFinalize(this);

    internal static Scalar Real(ScalarType type, double value) => new(type, value, (long)value);

    private static Scalar Whole(ScalarType type, long value) => new(type, value, value);
}

/// <summary>Conversions of numbers.</summary>
public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;

    public static Scalar ToScalar(this sbyte value) => value;

    public static Scalar ToScalar(this short value) => value;

    public static Scalar ToScalar(this int value) => value;

    public static Scalar ToScalar(this long value) => value;

    public static Scalar ToScalar(this float value) => value;

    public static Scalar ToScalar(this double value) => value;

    public static Scalar ToScalar(this bool value) => value;

    public static Scalar ToBFloat16Scalar(this float value) => Scalar.Real(ScalarType.BFloat16, value);

    public static float ToSingle(this Scalar value) => (float)value.AsDouble;

    public static double ToDouble(this Scalar value) => value.AsDouble;

    public static int ToInt32(this Scalar value) => (int)value.AsLong;

    public static long ToInt64(this Scalar value) => value.AsLong;

    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
}
