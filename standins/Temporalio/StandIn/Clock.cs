using System.Diagnostics;

namespace Temporalio.StandIn;

/// <summary>The database server's time, moved forward by whatever a test skipped. Microseconds, like the database's.</summary>
internal sealed class Clock
{
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private long baseTicks = DateTime.UtcNow.Ticks;
    private long skippedTicks;

    public DateTime Now
    {
        get
        {
            var ticks = Interlocked.Read(ref baseTicks) + watch.Elapsed.Ticks + Interlocked.Read(ref skippedTicks);
            return new DateTime(ticks - (ticks % TimeSpan.TicksPerMicrosecond), DateTimeKind.Utc);
        }
    }

    public void Synchronize(DateTime serverTime) => Interlocked.Exchange(ref baseTicks, serverTime.Ticks - watch.Elapsed.Ticks);

    public void Skip(TimeSpan time) => Interlocked.Add(ref skippedTicks, time.Ticks);
}
