using System.Collections.Concurrent;

namespace Temporalio.StandIn;

/// <summary>Wakes whoever waits for something to happen. Take <see cref="Next"/> before looking, look, then wait: nothing is missed.</summary>
internal sealed class Wakeups
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> waiting = new(StringComparer.Ordinal);

    public static string WorkflowTasks(string ns, string queue) => $"w:{ns}:{queue}";

    public static string ActivityTasks(string ns, string queue) => $"a:{ns}:{queue}";

    public static string Run(string runId) => $"r:{runId}";

    public Task Next(string key) =>
        waiting.GetOrAdd(key, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Set(string key)
    {
        if (waiting.TryRemove(key, out var source))
        {
            source.TrySetResult();
        }
    }

    public void SetAll()
    {
        foreach (var key in waiting.Keys)
        {
            Set(key);
        }
    }
}
