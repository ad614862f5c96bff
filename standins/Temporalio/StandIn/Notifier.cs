namespace Temporalio.StandIn;

/// <summary>
/// Tells the other processes what has happened, soon after it has and several things at a time. A transaction that notifies holds a lock of the whole
/// server until its commit is on disk, and so would keep all others from sharing that write. What a crash leaves untold is seen by whoever looks next.
/// </summary>
internal sealed class Notifier(Engine engine)
{
    private readonly Lock gate = new();
    private readonly HashSet<string> untold = new(StringComparer.Ordinal);

    /// <summary>Until all that was to be told is told.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    public void Tell(IReadOnlyCollection<string> keys)
    {
        lock (gate)
        {
            if (keys.Count == 0)
            {
                return;
            }
            var sending = untold.Count > 0 || !Completion.IsCompleted;
            untold.UnionWith(keys);
            if (!sending)
            {
                Completion = Task.Run(SendAsync);
            }
        }
    }

    private async Task SendAsync()
    {
        while (true)
        {
            string[] keys;
            lock (gate)
            {
                if (untold.Count == 0 || engine.Stopped.IsCancellationRequested)
                {
                    Completion = Task.CompletedTask;
                    return;
                }
                keys = [.. untold];
                untold.Clear();
            }
            try
            {
                await engine.ExecuteAsync(
                    "SELECT pg_notify($1, $2 || key) FROM unnest($3::text[]) AS key", [engine.Channel, $"{engine.Id} ", keys], engine.Stopped).ConfigureAwait(false);
            }
            catch (Exception)
            {
                // Nobody hears of it, and all look by themselves.
            }
        }
    }
}
