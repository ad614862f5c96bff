using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace XInstruct.Training;

/// <summary>
/// What native libraries must find in their environment when they are loaded. Lets libtorch's idle threads sleep, and its threads share memory. By default OpenMP's and OpenBLAS's threads spin for the next piece of work, which on a machine that does
/// anything else makes small models many times slower, and each thread keeps what it once allocated: threads that come and go with the parts of a job then hold a pool of
/// memory each (docs/performance.md). The variables must stand before libtorch is loaded, and the runtime's own
/// <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach native code.
/// </summary>
internal static partial class NativeThreads
{
    // M_ARENA_MAX of malloc.h.
    private const int MostArenas = -8;

    // "Genu", of "GenuineIntel".
    private const int Intel = 0x756E6547;

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Must run before anything else of this assembly can load libtorch.")]
    internal static void LetIdleThreadsSleep()
    {
        if (!OperatingSystem.IsLinux()) return;
        // A user's own settings win. OpenBLAS's is the logarithm of the processor cycles to wait: a million, less than half a millisecond, is longer than what lies
        // between two products of a model's step, so that none of them has to wake anybody; its own choice is 64 times that.
        _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        _ = SetEnvironment("OPENBLAS_THREAD_TIMEOUT", "20", overwrite: 0);
        if (Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is not null) return;
        try
        {
            _ = SetAllocation(MostArenas, 2);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc, whose threads share memory anyway.
        }
    }

    /// <summary>
    /// An OpenBLAS older than the processor takes kernels of 2004 for it: 0.3.21 does on an Intel Xeon of model 207 (docs/performance.md). What it takes on the Intel
    /// processors that it knows goes by these instruction sets.
    /// </summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Must run before anything else of this assembly can load libtorch.")]
    internal static void UseTheProcessor()
    {
        if (!OperatingSystem.IsLinux() || !X86Base.IsSupported || X86Base.CpuId(0, 0).Ebx != Intel) return;
        var has512 = Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported && Avx512CD.VL.IsSupported;
        if (has512 || (Avx2.IsSupported && Fma.IsSupported)) _ = SetEnvironment("OPENBLAS_CORETYPE", has512 ? "SKYLAKEX" : "HASWELL", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetAllocation(int option, int value);
}
