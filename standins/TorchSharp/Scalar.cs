namespace TorchSharp;

/// <summary>A number of either kind.</summary>
public sealed class Scalar : IDisposable
{
    private Scalar(bool isFloat, double asDouble, long asLong) => (IsFloat, AsDouble, AsLong) = (isFloat, asDouble, asLong);

    internal bool IsFloat { get; }

    internal double AsDouble { get; }

    internal long AsLong { get; }

    public static implicit operator Scalar(double value) => new(true, value, (long)value);

    public static implicit operator Scalar(float value) => new(true, value, (long)value);

    public static implicit operator Scalar(long value) => new(false, value, value);

    public static implicit operator Scalar(int value) => new(false, value, value);

    public void Dispose() => GC.SuppressFinalize(this);
}
