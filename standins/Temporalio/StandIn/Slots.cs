namespace Temporalio.StandIn;

/// <summary>How many things a worker does at a time.</summary>
internal sealed class Slots(int count)
{
    private readonly SemaphoreSlim free = new(count, count);

    /// <summary>Waits for a free slot and takes all that are free.</summary>
    public async Task<int> TakeAsync(CancellationToken stop)
    {
        await free.WaitAsync(stop).ConfigureAwait(false);
        var taken = 1;
        while (taken < count && free.Wait(0, CancellationToken.None))
        {
            taken++;
        }
        return taken;
    }

    public void Return(int taken)
    {
        if (taken > 0)
        {
            free.Release(taken);
        }
    }

    /// <summary>Runs work in a taken slot.</summary>
    public void Start(Func<Task> work) => _ = Task.Run(async () =>
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        finally
        {
            free.Release();
        }
    });

    /// <summary>Waits until nothing runs.</summary>
    public async Task DrainAsync()
    {
        for (var i = 0; i < count; i++)
        {
            await free.WaitAsync().ConfigureAwait(false);
        }
    }
}
