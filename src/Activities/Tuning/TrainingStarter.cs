using Marten;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Releases;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Training;

namespace XInstruct.Activities.Tuning;

/// <summary>Takes a training recipe's input files into the store and names its training.</summary>
public sealed class TrainingStarter(IDocumentStore store, FileStore files, Contents contents)
{
    /// <summary>Imports inputs, stores the canonical recipe and returns the training's name.</summary>
    /// <exception cref="TamperedException">A file of the release is not what its manifest says.</exception>
    public async Task<TuneInput> PrepareAsync(LoadedTraining loaded, CancellationToken ct)
    {
        var inputs = new List<InputContent>();
        foreach (var (role, path) in Inputs(loaded))
        {
            var (hash, bytes) = await files.ImportAsync(path, ct);
            inputs.Add(new InputContent(role, null, hash, bytes));
        }

        if (loaded.Recipe.Data.Release is { } release) CheckRelease(release, inputs);
        var document = TrainingDocument.Of(loaded.Kind, loaded.Recipe, inputs);
        await using var session = store.LightweightSession();
        await contents.QueueAsync(session, [Content.Of(Guid.Empty, document.Json)], ct);
        await session.SaveChangesAsync(ct);
        return new TuneInput(document.Id, document.Hash);
    }

    private static IEnumerable<(string Role, string Path)> Inputs(LoadedTraining loaded)
    {
        var recipe = loaded.Recipe;
        if (recipe.Model.Path is { } model) foreach (var file in RecipeInputs.FilesOfModel(model)) yield return ($"model/{Path.GetFileName(file)}", file);
        // Padded, so that the order of their names is the recipe's.
        foreach (var (file, i) in recipe.Data.Files.Select((f, i) => (f, i))) yield return ($"data/{i:D4}", file);
        foreach (var (file, i) in recipe.Evaluation.Files.Select((f, i) => (f, i))) yield return ($"evaluation/{i:D4}", file);
        if (recipe.Data.Release is not { } release) yield break;
        yield return (TrainingDocument.Manifest, Path.Combine(release, "manifest.json"));
        foreach (var file in ReleaseManifest.Read(release).Files) yield return ($"release/{file.Name}", Path.Combine(release, file.Name));
    }

    private static void CheckRelease(string release, List<InputContent> inputs)
    {
        foreach (var file in ReleaseManifest.Read(release).Files)
        {
            var found = inputs.Find(i => i.Role == $"release/{file.Name}")!;
            if (found.Sha256 != file.Sha256) throw new TamperedException($"{Path.Combine(release, file.Name)} has changed since it was sealed: its SHA-256 should be {file.Sha256}, is {found.Sha256}.");
        }
    }
}
