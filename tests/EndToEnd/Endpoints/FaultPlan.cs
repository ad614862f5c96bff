using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace XInstruct.EndToEnd.Endpoints;

/// <summary>Faults of one request in twenty: all kinds in turn, each at a prompt's first request; but a prompt that is refused always is, and its text alone decides that.</summary>
internal sealed class FaultPlan
{
    private static readonly Fault[] Kinds = [Fault.Delay, Fault.Early, Fault.Error, Fault.Cut, Fault.Hang, Fault.Lose];

    private int _first;
    private int _faults;

    /// <summary>How often each kind came up.</summary>
    public ConcurrentDictionary<Fault, int> Count { get; } = [];

    public Fault Choose(string prompt, int before)
    {
        if (IsRefused(prompt)) return Counted(Fault.Refuse);
        if (before > 0 || Interlocked.Increment(ref _first) % 22 != 0) return Fault.None;
        return Counted(Kinds[Interlocked.Increment(ref _faults) % Kinds.Length]);
    }

    public static bool IsRefused(string prompt) => SHA256.HashData(Encoding.UTF8.GetBytes(prompt))[0] < 2;

    private Fault Counted(Fault fault)
    {
        Count.AddOrUpdate(fault, 1, (_, n) => n + 1);
        return fault;
    }
}
