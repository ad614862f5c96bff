namespace Temporalio.Workflows;

/// <summary>A semaphore for the tasks of one workflow; who asked first is served first.</summary>
public class Semaphore
{
    private readonly LinkedList<object> waiters = new();

    public Semaphore(int initialCount)
    {
        if (!Workflow.InWorkflow)
        {
            throw new InvalidOperationException("Cannot use workflow semaphore outside of workflow");
        }
        Max = initialCount;
        CurrentCount = initialCount;
    }

    public int Max { get; init; }

    public int CurrentCount { get; private set; }

    public Task WaitAsync(CancellationToken? cancellationToken = null) => WaitAsync(null, cancellationToken);

    public Task<bool> WaitAsync(int millisecondsTimeout, CancellationToken? cancellationToken = null) =>
        WaitAsync(TimeSpan.FromMilliseconds(millisecondsTimeout), cancellationToken);

    public Task<bool> WaitAsync(TimeSpan timeout, CancellationToken? cancellationToken = null) => WaitAsync((TimeSpan?)timeout, cancellationToken);

    public void Release()
    {
        if (CurrentCount >= Max)
        {
            throw new InvalidOperationException("More released than successfully waited");
        }
        CurrentCount++;
    }

    private async Task<bool> WaitAsync(TimeSpan? timeout, CancellationToken? cancellationToken)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            timeout = null;
        }
        else if (timeout < TimeSpan.Zero)
        {
            throw new ArgumentException("Timeout cannot be less than zero (except -1ms for infinite)");
        }
        if (CurrentCount > 0)
        {
            CurrentCount--;
            return true;
        }
        if (timeout == TimeSpan.Zero && cancellationToken == null)
        {
            return false;
        }
        var me = waiters.AddLast(new object());
        try
        {
            // The count is taken by the condition itself, so that nobody can come between.
            return await Workflow.WaitConditionWithOptionsAsync(new(
                () =>
                {
                    if (CurrentCount == 0 || waiters.First != me)
                    {
                        return false;
                    }
                    CurrentCount--;
                    return true;
                },
                timeout,
                cancellationToken: cancellationToken));
        }
        finally
        {
            waiters.Remove(me);
        }
    }
}

/// <summary>A semaphore for one.</summary>
public class Mutex
{
    private readonly Semaphore semaphore = new(1);

    public Task WaitOneAsync(CancellationToken? cancellationToken = null) => semaphore.WaitAsync(cancellationToken);

    public Task<bool> WaitOneAsync(int millisecondsTimeout, CancellationToken? cancellationToken = null) =>
        semaphore.WaitAsync(millisecondsTimeout, cancellationToken);

    public Task<bool> WaitOneAsync(TimeSpan timeout, CancellationToken? cancellationToken = null) =>
        semaphore.WaitAsync(timeout, cancellationToken);

    public void ReleaseMutex() => semaphore.Release();
}
