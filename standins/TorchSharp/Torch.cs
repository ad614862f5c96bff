using System.Runtime.InteropServices;
using TorchSharp.Native;

namespace TorchSharp;

/// <summary>Kinds of devices, numbered as in c10.</summary>
public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
    META = 14,
}

public static partial class torch
{
    public static string __version__ => Marshal.PtrToStringUTF8(Library.xt_version())!;

    public static Device CPU { get; } = new(DeviceType.CPU, -1);

    public static Device CUDA { get; } = new(DeviceType.CUDA, 0);

    /// <summary>Element types, numbered as in c10.</summary>
    public enum ScalarType : sbyte
    {
        Byte = 0,
        Int8 = 1,
        Int16 = 2,
        Int32 = 3,
        Int64 = 4,
        Float16 = 5,
        Float32 = 6,
        Float64 = 7,
        Bool = 11,
        BFloat16 = 15,
    }

    public static ScalarType uint8 => ScalarType.Byte;
    public static ScalarType int32 => ScalarType.Int32;
    public static ScalarType int64 => ScalarType.Int64;
    public static ScalarType float16 => ScalarType.Float16;
    public static ScalarType float32 => ScalarType.Float32;
    public static ScalarType float64 => ScalarType.Float64;
    public static ScalarType bfloat16 => ScalarType.BFloat16;
    public static ScalarType @bool => ScalarType.Bool;

    /// <summary>Where a tensor lies.</summary>
    public sealed class Device(DeviceType type, int index)
    {
        public DeviceType type { get; } = type;

        public int index { get; } = index;

        public override string ToString() => index < 0 ? type.ToString().ToLowerInvariant() : $"{type.ToString().ToLowerInvariant()}:{index}";

        public override bool Equals(object? obj) => obj is Device other && other.type == type && other.index == index;

        public override int GetHashCode() => HashCode.Combine(type, index);
    }

    public static void set_num_threads(int num) => Library.xt_set_threads(num);

    public static int get_num_threads() => Library.xt_threads();

    public static void manual_seed(long seed)
    {
        if (Library.xt_seed(seed) < 0) throw Library.Error();
    }

    /// <summary>Switches gradients off until it is disposed.</summary>
    public static IDisposable no_grad() => new GradientMode(false);

    public static IDisposable enable_grad(bool enabled = true) => new GradientMode(enabled);

    private sealed class GradientMode : IDisposable
    {
        private readonly int _before;

        public GradientMode(bool enabled) => _before = Library.xt_grad_enabled(1, enabled ? 1 : 0);

        public void Dispose() => Library.xt_grad_enabled(1, _before);
    }

    public static class cuda
    {
        public static bool is_available() => Library.xt_has_cuda() != 0;
    }
}
