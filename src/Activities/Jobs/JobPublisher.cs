using System.Text.Json;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Provenance;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Jobs;

/// <summary>job.json of a result: what it is and where it came from.</summary>
/// <param name="Format">1.</param>
/// <param name="Job">Job id.</param>
/// <param name="Kind">The command.</param>
/// <param name="Recipe">Hash of the canonical recipe: it names the job's event stream.</param>
/// <param name="Result">Hash of the result's file table, without this file.</param>
public sealed record JobCard(int Format, string Job, string Kind, string Recipe, string Result)
{
    /// <summary>Its file name.</summary>
    public const string FileName = "job.json";

    /// <summary>The card of a folder; null when it has none that can be read.</summary>
    public static JobCard? Find(string folder)
    {
        try
        {
            var path = Path.Combine(folder, FileName);
            return File.Exists(path) ? JsonSerializer.Deserialize<JobCard>(File.ReadAllBytes(path), EventJson.Options) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Puts a job's result where its user wants it.</summary>
public sealed class JobPublisher(FileStore files)
{
    /// <summary>Folder of a result that has no place of its own.</summary>
    public string DefaultFolder(string job) => Path.Combine(files.Root, "results", job);

    /// <summary>Why a result cannot be put into a folder; null when it can: it is empty, is not there, or has this job's result.</summary>
    public static string? Problem(string folder, string job) => ResultFolder.Problem(folder, f => JobCard.Find(f)?.Job == job);

    /// <summary>Writes the folder.</summary>
    /// <param name="input">The job.</param>
    /// <param name="result">Hash of the result's file table.</param>
    /// <param name="folder">Where to.</param>
    /// <param name="ct">Cancellation.</param>
    public Task WriteAsync(JobInput input, string result, string folder, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(input);
        var card = new JobCard(1, input.Job, input.Kind, input.Recipe, result);
        return ResultFolder.WriteAsync(folder, f => JobCard.Find(f)?.Job == input.Job, part =>
        {
            ResultFolder.Copy(files.Tree(result), part);
            return File.WriteAllBytesAsync(Path.Combine(part, JobCard.FileName), JsonSerializer.SerializeToUtf8Bytes(card, EventJson.Indented), ct);
        });
    }
}
