using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XInstruct.Training;

/// <summary>
/// Lets libtorch's idle threads sleep, and its threads share memory. By default OpenMP's and OpenBLAS's threads spin for the next piece of work, which on a machine that does
/// anything else makes small models many times slower, and each thread keeps what it once allocated: threads that come and go with the parts of a job then hold a pool of
/// memory each (docs/performance.md). The variables must stand before libtorch is loaded, and the runtime's own
/// <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach native code.
/// </summary>
internal static partial class NativeThreads
{
    // M_ARENA_MAX of malloc.h.
    private const int MostArenas = -8;

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

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetAllocation(int option, int value);
}
