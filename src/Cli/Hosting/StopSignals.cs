using System.Runtime.InteropServices;

namespace XInstruct.Cli.Hosting;

/// <summary>SIGTERM and SIGINT of a process that ends in order: the first one cancels <see cref="Token"/>, the second ends the process at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly Action _onFirst;
    private readonly PosixSignalRegistration[] _registrations;
    private int _count;

    /// <summary>Listens until disposed.</summary>
    /// <param name="onFirst">Said at the first signal, before the token is cancelled.</param>
    /// <param name="ct">Cancels the token too.</param>
    public StopSignals(Action onFirst, CancellationToken ct)
    {
        _source = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _onFirst = onFirst;
        _registrations = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT }.Select(s => PosixSignalRegistration.Create(s, Handle))];
    }

    /// <summary>Cancelled at the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(ExitCodes.Interrupted);
        _onFirst();
        // What hangs on the token must not hold the signals' thread: the next signal is for it.
        _ = Task.Run(_source.Cancel);
    }
}
