using System.Globalization;
using System.Runtime.InteropServices;

namespace XInstruct.Training.Tests;

/// <summary>Resident memory of the test process, as the kernel counts it.</summary>
internal static partial class ProcessMemory
{
    /// <summary>Bytes at most since <see cref="ForgetPeak"/>.</summary>
    public static long Peak() =>
        long.Parse(File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;

    /// <summary>Gives back what is free, so that it does not hide what is taken afterwards.</summary>
    public static int ReturnFree()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Trim(0);
    }

    /// <summary>The kernel forgets the highest size so far.</summary>
    public static void ForgetPeak() => File.WriteAllText("/proc/self/clear_refs", "5");

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Trim(nuint keep);
}
