namespace Temporalio.StandIn;

/// <summary>Names a process so that others on its machine can tell whether it is still alive: boot, PID namespace, PID and start time. Linux only.</summary>
internal static class ProcessMark
{
    private const string Processes = "/proc";

    private static readonly string? Place = Try(() =>
        $"{File.ReadAllText($"{Processes}/sys/kernel/random/boot_id").Trim()}/{new FileInfo($"{Processes}/self/ns/pid").LinkTarget ?? throw new IOException("no name")}/");

    /// <summary>This process; null where it cannot be told.</summary>
    public static string? Own { get; } = Try(() => Place == null || Started(Environment.ProcessId) is not { } started ? null : $"{Place}{Environment.ProcessId}/{started}");

    /// <summary>Whether a process is certainly no more; false for one that cannot be seen from here.</summary>
    public static bool IsDead(string mark)
    {
        if (Own == null || !mark.StartsWith(Place!, StringComparison.Ordinal) || mark[Place!.Length..].Split('/') is not [var id, var started] || !int.TryParse(id, out var pid))
        {
            return false;
        }
        try
        {
            return Started(pid) != started;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Ticks after the boot at which a process began; null when there is none, or only what its parent has not yet taken notice of.</summary>
    private static string? Started(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"{Processes}/{pid}/stat");
            // The name, in brackets, may hold anything. After it come the state, third of all, and, as 22nd, the start.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[22 - 3];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static string? Try(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
