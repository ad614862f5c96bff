using Npgsql;

namespace Temporalio.StandIn;

/// <summary>
/// The connection on which this process hears of others' changes. It also holds one advisory lock for each worker of the process:
/// a killed process loses them at once, and that is how the others know.
/// </summary>
internal sealed class Listener(Engine engine, CancellationToken stop)
{
    /// <summary>First half of the workers' lock keys.</summary>
    public const int LockClass = 0x7E30A1;

    private readonly SemaphoreSlim changed = new(0);
    private readonly HashSet<int> workers = [];
    private readonly Lock gate = new();

    public Task Completion { get; private set; } = Task.CompletedTask;

    public async Task StartAsync()
    {
        var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Completion = Task.Run(() => RunAsync(listening), CancellationToken.None);
        await listening.Task.ConfigureAwait(false);
    }

    public async Task RegisterAsync(int key)
    {
        lock (gate)
        {
            workers.Add(key);
        }
        await engine.ExecuteAsync("INSERT INTO workers (key, process) VALUES ($1, $2) ON CONFLICT DO NOTHING", [key, ProcessMark.Own], stop).ConfigureAwait(false);
        changed.Release();
    }

    public void Unregister(int key)
    {
        lock (gate)
        {
            workers.Remove(key);
        }
        changed.Release();
    }

    private async Task RunAsync(TaskCompletionSource listening)
    {
        for (var first = true; !stop.IsCancellationRequested; first = false)
        {
            try
            {
                await using var connection = new NpgsqlConnection(engine.ListenerConnectionString);
                await connection.OpenAsync(stop).ConfigureAwait(false);
                connection.Notification += (_, e) => Heard(e.Payload);
                await ExecuteAsync(connection, $"LISTEN {engine.Channel}").ConfigureAwait(false);
                await SynchronizeAsync(connection).ConfigureAwait(false);
                listening.TrySetResult();
                if (!first)
                {
                    engine.Wakeups.SetAll();
                }
                await ListenAsync(connection).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e) when (first && !listening.Task.IsCompleted)
            {
                listening.TrySetException(e);
                return;
            }
            catch (Exception)
            {
                // The database is away; everything that waits also looks by itself now and then.
                await Task.Delay(250, CancellationToken.None).ConfigureAwait(false);
            }
        }
        listening.TrySetCanceled(CancellationToken.None);
    }

    private async Task ListenAsync(NpgsqlConnection connection)
    {
        var held = new HashSet<int>();
        while (true)
        {
            int[] wanted;
            lock (gate)
            {
                wanted = [.. workers];
            }
            foreach (var key in wanted.Where(held.Add))
            {
                await ExecuteAsync(connection, $"SELECT pg_advisory_lock({LockClass}, {key})").ConfigureAwait(false);
                // Others may have taken this worker for dead while the database was away.
                await ExecuteAsync(
                    connection,
                    $"INSERT INTO workers (key, process) VALUES ({key}, {(ProcessMark.Own is { } own ? $"'{own}'" : "NULL")}) ON CONFLICT (key) DO UPDATE SET suspect_at = NULL").ConfigureAwait(false);
            }
            foreach (var key in held.Except(wanted).ToArray())
            {
                held.Remove(key);
                await ExecuteAsync(connection, $"SELECT pg_advisory_unlock({LockClass}, {key})").ConfigureAwait(false);
            }
            using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var waiting = connection.WaitAsync(interrupt.Token);
            var change = changed.WaitAsync(interrupt.Token);
            await Task.WhenAny(waiting, change).ConfigureAwait(false);
            var failed = waiting.IsFaulted;
            await interrupt.CancelAsync().ConfigureAwait(false);
            try
            {
                await Task.WhenAll(waiting, change).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested && !failed)
            {
                // One of the two came; the other was told to stop.
            }
            stop.ThrowIfCancellationRequested();
        }
    }

    private void Heard(string payload)
    {
        var space = payload.IndexOf(' ');
        if (space > 0 && !payload.AsSpan(0, space).SequenceEqual(engine.Id))
        {
            engine.Wakeups.Set(payload[(space + 1)..]);
        }
    }

    private async Task SynchronizeAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("SELECT clock_timestamp()", connection);
        engine.Clock.Synchronize((DateTime)(await command.ExecuteScalarAsync(stop).ConfigureAwait(false))!);
    }

    private async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(stop).ConfigureAwait(false);
    }
}
