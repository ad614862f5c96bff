using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Training.Tuning;

namespace XInstruct.Activities.Tuning;

/// <summary>A training's place among the work files: checkpoints, the model it starts from, its metrics, and where it stands.</summary>
internal sealed class TrainingFolder(FileStore files, string training)
{
    private const string ProgressFile = "progress.json";

    /// <summary>Every step, when the training has ended.</summary>
    public const string MetricsFile = "metrics.jsonl";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private DateTime _told;

    /// <summary>Where checkpoints lie: on the disk that all workers share.</summary>
    public string Checkpoints => files.Work(training, "checkpoints");

    /// <summary>The metrics of an ended training.</summary>
    public string Metrics => files.Work(training, MetricsFile);

    /// <summary>The last known moment of a training; null when nothing is known.</summary>
    public static async Task<TuningProgress?> ProgressAsync(FileStore files, string training, CancellationToken ct)
    {
        try
        {
            return await files.ReadWorkAsync<TuningProgress>(training, ProgressFile, ct);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Tells where the training stands, now and then.</summary>
    public void Tell(TuningProgress progress)
    {
        var isLast = progress.Metrics.Step == progress.Steps;
        if (!isLast && DateTime.UtcNow - _told < Interval) return;
        _told = DateTime.UtcNow;
        Replace(files.Work(training, ProgressFile), path => File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(progress, EventJson.Options)));
    }

    /// <summary>Writes the metrics of an ended training.</summary>
    public void Write(IEnumerable<StepMetrics> metrics) =>
        Replace(Metrics, path => File.WriteAllText(path, string.Concat(metrics.Select(m => JsonSerializer.Serialize(m, EventJson.Options) + "\n"))));

    private static void Replace(string path, Action<string> write)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var part = $"{path}.{Path.GetRandomFileName()}.part";
        write(part);
        File.Move(part, path, overwrite: true);
    }
}
