using System.Diagnostics;
using System.Globalization;

namespace XInstruct.EndToEnd;

/// <summary>How busy a machine's other processes keep it: a limit in seconds says something only about a process that gets processors.</summary>
internal sealed class MachineLoad
{
    private readonly (double Busy, double All) _begun = Read();

    /// <summary>Share of all processors' time since the start of this measurement that others had; null once the process is over and tells no times.</summary>
    public double? Others(Process timed)
    {
        var now = Read();
        var all = now.All - _begun.All;
        try
        {
            return all <= 0 ? 0 : Math.Clamp((now.Busy - _begun.Busy - timed.TotalProcessorTime.TotalSeconds) / all, 0, 1);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    // proc(5): user nice system idle iowait irq softirq steal, in hundredths of a second over all processors.
    private static (double Busy, double All) Read()
    {
        var times = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Skip(1).Take(8).Select(t => double.Parse(t, CultureInfo.InvariantCulture) / 100).ToArray();
        return (times.Sum() - times[3] - times[4], times.Sum());
    }
}
