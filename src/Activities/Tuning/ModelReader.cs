using Marten;
using XInstruct.Domain.Models;

namespace XInstruct.Activities.Tuning;

/// <summary>Reads trained models' own state.</summary>
public sealed class ModelReader(IDocumentStore store)
{
    /// <summary>The model of a stream; null when its training never started.</summary>
    public async Task<Model?> FindAsync(Guid stream, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.LoadAsync<Model>(stream, ct);
    }

    /// <summary>The model of the training with a name; null when there is none.</summary>
    public async Task<Model?> NamedAsync(string name, CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return await session.Query<Model>().FirstOrDefaultAsync(m => m.Name == name, ct);
    }

    /// <summary>All models, by name.</summary>
    public async Task<IReadOnlyList<Model>> ListAsync(CancellationToken ct)
    {
        await using var session = store.QuerySession();
        return [.. (await session.Query<Model>().ToListAsync(ct)).OrderBy(m => m.Name, StringComparer.Ordinal)];
    }
}
