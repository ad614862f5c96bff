using TorchSharp;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Adapters;
using XInstruct.Training.Checkpoints;

namespace XInstruct.Activities.Tuning;

/// <summary>An adapter and a model do not belong together, or the place for the result is taken.</summary>
public sealed class MergeException(string message) : Exception(message);

/// <summary>Adds an adapter to its model's weights.</summary>
public static class ModelMerger
{
    /// <summary>Writes the merged model folder, which appears whole, in the type of the model's own weights.</summary>
    /// <param name="baseFolder">Model folder.</param>
    /// <param name="adapterFolder">Adapter in PEFT's layout.</param>
    /// <param name="folder">Folder for the result: empty, or not there.</param>
    /// <param name="ct">Cancellation.</param>
    /// <returns>What was merged, by hashes, and the adapter's card, when it was trained here.</returns>
    /// <exception cref="MergeException">The adapter was trained on another model, or has changed since; or the folder is taken.</exception>
    public static async Task<(ModelMerged Merged, TrainingCard? Card)> MergeAsync(string baseFolder, string adapterFolder, string folder, CancellationToken ct)
    {
        foreach (var needed in new[] { baseFolder, adapterFolder })
            if (!Directory.Exists(needed)) throw new DirectoryNotFoundException($"No folder {needed}.");
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())) throw new MergeException($"{folder} has something in it. Name another folder, or empty it.");
        var own = await HashAsync(RecipeInputs.FilesOfModel(baseFolder), ct);
        var adapter = await HashAsync(new[] { "adapter_config.json", "adapter_model.safetensors" }.Select(name => Path.Combine(adapterFolder, name)).Where(File.Exists), ct);
        var card = TrainingCard.Find(adapterFolder);
        if (card is not null && card.Model.Base != own) throw new MergeException($"The adapter in {adapterFolder} was trained on another model than {baseFolder}: the hash of that model's files is {card.Model.Base}, here it is {own}.");
        if (card is not null && card.Model.Model != adapter) throw new MergeException($"The adapter in {adapterFolder} has changed since it was trained: its hash should be {card.Model.Model}, is {adapter}.");
        var part = $"{Path.TrimEndingDirectorySeparator(folder)}.{Path.GetRandomFileName()}.part";
        Directory.CreateDirectory(part);
        try
        {
            await Task.Run(() => Merge(baseFolder, adapterFolder, part), ct);
            FileStore.Flush(part);
            var merged = new ModelMerged(own, adapter, await HashAsync(RecipeInputs.FilesOfModel(part), ct));
            if (Directory.Exists(folder)) Directory.Delete(folder);
            Directory.Move(part, folder);
            return (merged, card);
        }
        finally
        {
            if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
        }
    }

    private static void Merge(string baseFolder, string adapterFolder, string target)
    {
        using var model = Checkpoint.Load(baseFolder, torch.CPU, type: Checkpoint.StoredType(baseFolder));
        Adapter.Load(model, adapterFolder).Merge();
        Checkpoint.Save(model, target);
        BaseModels.CopyTexts(baseFolder, target);
    }

    /// <summary>The hash that a folder with just these files would be stored under.</summary>
    private static async Task<string> HashAsync(IEnumerable<string> paths, CancellationToken ct)
    {
        var table = new List<TreeFile>();
        foreach (var path in paths) table.Add(await FileStore.EntryAsync(path, Path.GetFileName(path), ct));
        return ContentHash.OfCanonical(table.OrderBy(f => f.Name, StringComparer.Ordinal).ToList());
    }
}

/// <summary>Records merges in the stream of the adapter's training.</summary>
public sealed class MergeRecorder(EventWriter writer, ModelReader models)
{
    /// <summary>Writes ModelMerged; false when this store knows nothing of the training.</summary>
    public async Task<bool> RecordAsync(TrainingCard card, ModelMerged merged, CancellationToken ct)
    {
        var stream = Identity.ModelStream(card.Recipe);
        if (await models.FindAsync(stream, ct) is not { } model) return false;
        await writer.WriteAsync<Model>(
            model.Name, new Act("merge", CodeVersion.Current, [merged.Base, merged.Adapter]), [new Change<Model>(stream, stream, m => m?.Merge(merged) is { } e ? new Fact(e) : null)], ct);
        return true;
    }
}
