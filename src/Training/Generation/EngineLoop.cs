using XInstruct.Training.Models;
using static TorchSharp.torch;

namespace XInstruct.Training.Generation;

/// <summary>The thread of an engine: takes requests in their order, makes steps, sleeps when there is nothing to do.</summary>
internal sealed class EngineLoop : IDisposable
{
    private readonly Lock _door = new();
    private readonly Queue<EngineRow> _waiting = new();
    private readonly SemaphoreSlim _signal = new(0);
    private readonly EngineOptions _options;
    private readonly EngineSteps _steps;
    private readonly Thread _thread;
    private volatile bool _isEnding;
    private volatile EngineStatus _status = new(0, 0, 0, 0, 0, 0);

    public EngineLoop(Decoder model, EngineOptions options)
    {
        _options = options;
        model.eval();
        _steps = new EngineSteps(model, options);
        _thread = new Thread(Run) { IsBackground = true, Name = nameof(GenerationEngine) };
        _thread.Start();
    }

    public EngineStatus Status
    {
        get
        {
            lock (_door) return _status with { Waiting = _waiting.Count };
        }
    }

    public void Wake() => _signal.Release();

    public void Add(EngineRow row)
    {
        lock (_door)
        {
            ObjectDisposedException.ThrowIf(_isEnding, typeof(GenerationEngine));
            if (_waiting.Count >= _options.MaxWaiting) throw new EngineBusyException(_waiting.Count);
            _waiting.Enqueue(row);
        }

        Wake();
    }

    public void Dispose()
    {
        lock (_door) _isEnding = true;
        Wake();
        if (Thread.CurrentThread != _thread) _thread.Join();
    }

    private void Run()
    {
        using var noGrad = no_grad();
        set_num_threads(_options.Threads);
        while (!_isEnding)
        {
            try
            {
                Admit();
                if (_steps.Rows == 0) _signal.Wait();
                else _steps.Step();
            }
            catch (Exception error)
            {
                // Not while a row's numbers were worked out, which fails that row alone: nothing is certain any more, but for requests to come.
                _steps.EndAll(error);
            }

            _status = _steps.Status;
        }

        _steps.EndAll();
        lock (_door)
        {
            foreach (var row in _waiting) row.End(FinishReason.Cancelled);
            _waiting.Clear();
        }

        _steps.Dispose();
    }

    private void Admit()
    {
        _steps.DropCancelled();
        lock (_door)
        {
            if (_waiting.Any(row => row.Generation.IsCancelled)) Compact();
            while (!_steps.IsFull && _waiting.TryDequeue(out var next)) _steps.Add(next);
        }

        _status = _steps.Status;
    }

    // Cancelled ones count for what may wait no longer.
    private void Compact()
    {
        var rows = _waiting.ToList();
        _waiting.Clear();
        foreach (var row in rows)
        {
            if (row.Generation.IsCancelled) row.End(FinishReason.Cancelled);
            else _waiting.Enqueue(row);
        }
    }
}
