using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace XInstruct.Training;

/// <summary>
/// What native libraries must find when they are loaded. By default OpenMP's and OpenBLAS's threads spin for the next piece of work, which on a machine that does anything else
/// makes small models many times slower, and each thread keeps what it once allocated: threads that come and go with the parts of a job then hold a pool of memory each. And an
/// OpenBLAS that is older than the processor may know no better than kernels of 2004 for it (docs/performance.md). The variables must stand before libtorch is loaded, and the
/// runtime's own <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach native code.
/// </summary>
internal static partial class NativeLibraries
{
    // M_ARENA_MAX of malloc.h.
    private const int MostArenas = -8;

    // "Genu", of "GenuineIntel".
    private const int Intel = 0x756E6547;

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Must run before anything else of this assembly can load libtorch.")]
    internal static void Prepare()
    {
        if (!OperatingSystem.IsLinux()) return;
        // A user's own settings win.
        LetIdleThreadsSleep();
        UseTheProcessor();
        if (Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is null) ShareMemory();
    }

    // OpenBLAS's is the logarithm of the processor cycles to wait: a million, less than half a millisecond, is longer than what lies between two products of a model's step, so
    // that none of them has to wake anybody; its own choice is 64 times that.
    private static void LetIdleThreadsSleep()
    {
        _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        _ = SetEnvironment("OPENBLAS_THREAD_TIMEOUT", "20", overwrite: 0);
    }

    // OpenBLAS chooses kernels by the models that it knows, and 0.3.21 does not know Intel's model 207. Which of them run is a matter of instruction sets.
    private static void UseTheProcessor()
    {
        if (!X86Base.IsSupported || X86Base.CpuId(0, 0).Ebx != Intel) return;
        var has512 = Avx512F.VL.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.VL.IsSupported && Avx512CD.VL.IsSupported;
        if (has512 || (Avx2.IsSupported && Fma.IsSupported)) _ = SetEnvironment("OPENBLAS_CORETYPE", has512 ? "SKYLAKEX" : "HASWELL", overwrite: 0);
    }

    private static void ShareMemory()
    {
        try
        {
            _ = SetAllocation(MostArenas, 2);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc, whose threads share memory anyway.
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetAllocation(int option, int value);
}
