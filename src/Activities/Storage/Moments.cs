using System.Diagnostics;

namespace XInstruct.Activities.Storage;

/// <summary>
/// Places in the work at which losing a process is most likely to lose or repeat something. Nothing happens there unless somebody listens to
/// <see cref="Source"/>: <c>xinstruct chaos</c> does, and kills the process.
/// </summary>
public static class Moments
{
    /// <summary>Name of the diagnostic source.</summary>
    public const string Source = "XInstruct.Moments";

    /// <summary>An endpoint has replied and nothing of it is stored.</summary>
    public const string Reply = "reply";

    /// <summary>Events are decided and not committed.</summary>
    public const string Decided = "decided";

    /// <summary>Events are committed, and the activity that wrote them has not ended.</summary>
    public const string Committed = "committed";

    /// <summary>A file or folder lies in the store, and no event says so.</summary>
    public const string Filed = "filed";

    /// <summary>A release is written and lies at its place, and is not sealed.</summary>
    public const string Manifest = "manifest";

    private static readonly DiagnosticListener Listener = new(Source);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Reply, Decided, Committed, Filed, Manifest];

    /// <summary>The work has come to such a place.</summary>
    public static void Reached(string moment)
    {
        if (Listener.IsEnabled(moment)) Listener.Write(moment, null);
    }
}
