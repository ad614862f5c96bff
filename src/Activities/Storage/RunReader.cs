using Marten;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Runs;

namespace XInstruct.Activities.Storage;

/// <summary>Reads a run's own state.</summary>
public sealed class RunReader(IDocumentStore store)
{
    /// <summary>The run.</summary>
    /// <exception cref="TamperedException">It never started.</exception>
    public async Task<Run> LoadAsync(string run, CancellationToken ct) =>
        await FindAsync(run, ct) ?? throw new TamperedException($"Run {run} has no events. Start it with 'xinstruct run <recipe>'.");

    /// <summary>The run; null when it never started.</summary>
    public async Task<Run?> FindAsync(string run, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<Run>(Identity.RunStream(run), ct);
    }

    /// <summary>All runs, by name.</summary>
    public async Task<IReadOnlyList<Run>> ListAsync(CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return [.. (await session.Query<Run>().ToListAsync(ct)).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }
}
