using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XInstruct.Training;

/// <summary>
/// Lets libtorch's idle threads sleep. By default OpenMP's threads spin for the next piece of work, which on a machine that does anything else makes
/// small models many times slower (docs/performance.md). The variable must stand before libtorch is loaded, and the runtime's own
/// <see cref="Environment.SetEnvironmentVariable(string, string)"/> does not reach native code.
/// </summary>
internal static partial class NativeThreads
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Must run before anything else of this assembly can load libtorch.")]
    internal static void LetIdleThreadsSleep()
    {
        // A user's own setting wins.
        if (OperatingSystem.IsLinux()) _ = SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
