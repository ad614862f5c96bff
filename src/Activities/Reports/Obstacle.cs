using System.Globalization;

namespace XInstruct.Activities.Reports;

/// <summary>Why a run does not go on just now.</summary>
/// <param name="Kind">paused, noWorker, endpointBusy, endpointAway, budget, retrying, workflowFails or failed: part of the interface for scripts.</param>
/// <param name="Sentence">What is in the way.</param>
/// <param name="Remedy">What to do about it; null when it ends by itself.</param>
/// <param name="Since">Since when, where that is known.</param>
/// <param name="Until">Until when, where that is known.</param>
public sealed record Obstacle(string Kind, string Sentence, string? Remedy = null, DateTimeOffset? Since = null, DateTimeOffset? Until = null)
{
    /// <summary>A time as people of this machine say it: with the day only where that is another one.</summary>
    internal static string Clock(DateTimeOffset time, DateTimeOffset now)
    {
        var (there, here) = (time.ToLocalTime(), now.ToLocalTime());
        return there.ToString(there.Date == here.Date ? "HH:mm:ss" : "yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
    }
}
