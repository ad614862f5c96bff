using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Tuning;
using XInstruct.Workflows.Training;

namespace XInstruct.Activities.Tuning;

/// <summary>training.json of a result: what it is and where it came from.</summary>
/// <param name="Format">1.</param>
/// <param name="Training">Training id.</param>
/// <param name="Recipe">Hash of the canonical training recipe: it names the model's event stream.</param>
/// <param name="Method">sft or dpo, and full, lora or qlora.</param>
/// <param name="Release">SHA-256 of the release it was trained on; null when the data was no release.</param>
/// <param name="Model">What was trained, and what it came to.</param>
public sealed record TrainingCard(int Format, string Training, string Recipe, string Method, string? Release, TunedModel Model)
{
    /// <summary>Its file name.</summary>
    public const string FileName = "training.json";

    /// <summary>The card of a folder; null when it has none that can be read.</summary>
    public static TrainingCard? Find(string folder)
    {
        try
        {
            var path = Path.Combine(folder, FileName);
            return File.Exists(path) ? JsonSerializer.Deserialize<TrainingCard>(File.ReadAllBytes(path), EventJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Puts a training's result where its user wants it: the model's or adapter's folder with metrics, report and card.</summary>
public sealed class TrainingPublisher(FileStore files, Contents contents)
{
    /// <summary>The last known moment of a training; null when nothing is known.</summary>
    public Task<TuningProgress?> ProgressAsync(string training, CancellationToken ct) => TrainingFolder.ProgressAsync(files, training, ct);

    /// <summary>Folder of a result that has no place of its own.</summary>
    public string DefaultFolder(string training) => Path.Combine(files.Root, "models", training);

    /// <summary>Why a result cannot be put into a folder; null when it can: it is empty, is not there, or has this training's result.</summary>
    public static string? Problem(string folder, string training) => ResultFolder.Problem(folder, f => TrainingCard.Find(f)?.Training == training);

    /// <summary>Writes the folder. A new one appears whole; of one that has this result already only what is missing is written, and what else lies there stays.</summary>
    public async Task<TrainingCard> WriteAsync(TuneInput input, TunedModel model, string folder, CancellationToken ct)
    {
        var document = TrainingDocument.Parse((await contents.ReadAsync([input.Recipe], ct))[input.Recipe]);
        var card = new TrainingCard(1, input.Training, input.Recipe, document.Method, document.Release, model);
        await ResultFolder.WriteAsync(folder, f => TrainingCard.Find(f)?.Training == input.Training, async part =>
        {
            ResultFolder.Copy(files.Tree(model.Model), part);
            await File.WriteAllBytesAsync(Path.Combine(part, TrainingCard.FileName), JsonSerializer.SerializeToUtf8Bytes(card, EventJson.Indented), ct);
            var metrics = new TrainingFolder(files, input.Training).Metrics;
            if (!File.Exists(metrics)) return;
            File.Copy(metrics, Path.Combine(part, TrainingFolder.MetricsFile));
            var steps = File.ReadLines(metrics).Select(line => JsonSerializer.Deserialize<StepMetrics>(line, EventJson.Options)!).ToList();
            await File.WriteAllTextAsync(Path.Combine(part, "report.html"), TrainingPage.Render(card, steps), ct);
        });
        return card;
    }
}
