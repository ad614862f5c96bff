using System.Text.Json;
using Marten;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Chains;

/// <summary>A chain as it is stored: the run that makes its data, and the recipes of its other steps with hashes instead of paths.</summary>
/// <param name="Kind">chain.</param>
/// <param name="Name">Name in its recipe.</param>
/// <param name="Run">The run.</param>
/// <param name="Curate">Recipe that chooses among its release; null when all of it is taken.</param>
/// <param name="Train">Recipe of both trainings.</param>
/// <param name="Evaluate">Recipe of the evaluation, without models.</param>
public sealed record ChainDocument(string Kind, string Name, RunInput Run, JsonElement? Curate, JsonElement Train, JsonElement Evaluate)
{
    /// <summary>Steps in order.</summary>
    public IReadOnlyList<string> Steps() => Curate is null ? ["generate", "without", "with", "evaluate"] : ["generate", "curate", "without", "with", "evaluate"];

    /// <summary>Reads a stored document.</summary>
    public static ChainDocument Parse(string json) => JsonSerializer.Deserialize<ChainDocument>(json, EventJson.Options)!;
}

/// <summary>Takes a chain's inputs in and names it.</summary>
public sealed class ChainStarter(RunStarter runs, FileStore files, Contents contents, IDocumentStore store)
{
    /// <summary>Imports all inputs and stores the canonical chain.</summary>
    /// <exception cref="InputsChangedException">An unfinished run of the same settings has other inputs.</exception>
    public async Task<ChainInput> PrepareAsync(LoadedChain loaded, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(loaded);
        var document = new ChainDocument(
            "chain",
            loaded.Recipe.Name,
            await runs.PrepareAsync(loaded.Run, null, isNew: false, ct),
            loaded.Curate is { } curate ? await PinnedRecipe.PinAsync(curate, files, ct) : null,
            await PinnedRecipe.PinAsync(loaded.Train.Recipe, files, ct),
            await PinnedRecipe.PinAsync(loaded.Evaluate, files, ct));
        var json = System.Text.Encoding.UTF8.GetString(CanonicalJson.Of(document, EventJson.Options));
        await using var session = store.LightweightSession();
        await contents.QueueAsync(session, [Content.Of(Guid.Empty, json)], ct);
        await session.SaveChangesAsync(ct);
        var hash = ContentHash.Of(json);
        return new ChainInput($"{document.Name}-{hash[..8]}", hash);
    }
}
