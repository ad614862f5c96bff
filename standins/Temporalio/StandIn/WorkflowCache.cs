namespace Temporalio.StandIn;

/// <summary>The workflows that a worker keeps between tasks; the longest unused goes first.</summary>
internal sealed class WorkflowCache(int capacity)
{
    private readonly Dictionary<string, LinkedListNode<Entry>> entries = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> byUse = new();
    private readonly Lock gate = new();

    /// <summary>A workflow that has seen its history up to an event.</summary>
    internal sealed class Entry(string runId, WorkflowInstance workflow, long eventId)
    {
        public string RunId { get; } = runId;

        public WorkflowInstance Workflow { get; } = workflow;

        public long EventId { get; set; } = eventId;

        /// <summary>One thread at a time runs the workflow.</summary>
        public SemaphoreSlim Gate { get; } = new(1, 1);
    }

    public Entry? Find(string runId, long eventId)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(runId, out var node) || node.Value.EventId != eventId)
            {
                return null;
            }
            byUse.Remove(node);
            byUse.AddLast(node);
            return node.Value;
        }
    }

    /// <summary>Keeps it, if there is any room at all.</summary>
    public bool Keep(Entry entry)
    {
        if (capacity <= 0)
        {
            return false;
        }
        lock (gate)
        {
            if (entries.Remove(entry.RunId, out var old))
            {
                byUse.Remove(old);
            }
            entries[entry.RunId] = byUse.AddLast(entry);
            while (entries.Count > capacity)
            {
                entries.Remove(byUse.First!.Value.RunId);
                byUse.RemoveFirst();
            }
        }
        return true;
    }

    public void Evict(string runId)
    {
        lock (gate)
        {
            if (entries.Remove(runId, out var node))
            {
                byUse.Remove(node);
            }
        }
    }
}
