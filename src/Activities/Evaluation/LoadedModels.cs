using XInstruct.Activities.Models;

namespace XInstruct.Activities.Evaluation;

/// <summary>The model that evaluation used last, kept for the next part; one at a time, for it may fill the memory.</summary>
public sealed class LoadedModels : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (ModelFolder Folder, LocalModel Model)? _loaded;

    /// <summary>Does something with a model while nobody else does.</summary>
    public async Task<T> UseAsync<T>(ModelFolder folder, Func<LocalModel, T> work, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(work);
        await _gate.WaitAsync(ct);
        try
        {
            if (_loaded?.Folder != folder)
            {
                _loaded?.Model.Decoder.Dispose();
                _loaded = null;
                _loaded = (folder, folder.Load());
            }

            return work(_loaded.Value.Model);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loaded?.Model.Decoder.Dispose();
        _gate.Dispose();
    }
}
