using XInstruct.Activities.Models;
using XInstruct.Activities.Recipes;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Chat;
using XInstruct.Training.Generation;
using XInstruct.Workflows;

namespace XInstruct.Activities.Jobs;

/// <summary>The models of jobs: what is allowed, where they are worked on, how they are loaded.</summary>
public static class JobModels
{
    /// <summary>Checks a model's options.</summary>
    /// <param name="check">What is wrong is added here.</param>
    /// <param name="key">Dotted key of the options.</param>
    /// <param name="model">The options.</param>
    public static void Check(RecipeCheck check, string key, JobModelOptions model)
    {
        ArgumentNullException.ThrowIfNull(check);
        ArgumentNullException.ThrowIfNull(model);
        check.Require(model.Path is null != model.Api is null, key, $"Say where the model is ({key}.path), or behind which endpoint ({key}.api), and not both.");
        check.Require(model.Api is null || (model.Adapter is null && model.Quantization is null), key, "An adapter and a quantization are for a local model.");
        if (model.Api is { } api)
        {
            foreach (var (name, isSet) in new[] { ("system", api.System is not null), ("promptFile", api.PromptFile is not null), ("structured", api.Structured), ("logProbabilities", api.LogProbabilities) })
                check.Require(!isSet, $"{key}.api.{name}", "Only of a run: here what is asked is said beside api.");
        }

        check.Require(model.Compute != ComputeType.Float16 || model.Device != ComputeDevice.Cpu, $"{key}.compute", "float16 is for a GPU. bfloat16 computes on both.");
        if (model is { Chat: true, Path: { } path } && !check.Has($"{key}.path"))
            check.Require(PromptEncoder.TemplateOf(new ModelFolder(path)) is not null, $"{key}.chat", $"{path} has no chat template.");
    }

    /// <summary>The queue of a model's work.</summary>
    public static string Queue(JobModelOptions model) => model?.Api is null ? TaskQueues.Gpu : TaskQueues.Api;

    /// <summary>The folder of a job's local model, with how it is loaded.</summary>
    /// <param name="job">The job.</param>
    /// <param name="key">Dotted key of the options, e.g. <c>models.0</c>.</param>
    /// <param name="model">The options.</param>
    public static ModelFolder Folder(JobContext job, string key, JobModelOptions model)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(model);
        return new ModelFolder(
            job.Folder($"{key}.path"),
            model.Adapter is null ? null : job.Folder($"{key}.adapter"),
            model.Device switch { ComputeDevice.Cpu => "cpu", ComputeDevice.Cuda => "cuda", _ => null },
            model.Compute?.ToString().ToLowerInvariant(),
            model.Quantization);
    }

    /// <summary>Loads a job's local model; the last ones are kept.</summary>
    public static LocalModel Load(JobContext job, string key, JobModelOptions model)
    {
        var folder = Folder(job, key, model);
        var name = ContentHash.OfCanonical(new[] { job.FolderHash($"{key}.path"), model.Adapter is null ? "" : job.FolderHash($"{key}.adapter"), folder.UsedDevice, folder.UsedType, folder.Quantization ?? "" });
        return job.Get<ModelLibrary>().Load(name, folder.Load);
    }

    /// <summary>Lets a model answer; answers come in the order of the calls. Those of an endpoint are stored one by one, so that none is paid twice.</summary>
    /// <param name="job">The job.</param>
    /// <param name="work">The part.</param>
    /// <param name="key">Dotted key of the model's options.</param>
    /// <param name="model">The options.</param>
    /// <param name="prompt">What all these calls share: system message and template.</param>
    /// <param name="calls">The calls.</param>
    /// <param name="threads">Threads of a local model.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<IReadOnlyList<JobAnswer>> AskAsync(
        JobContext job, JobWork work, string key, JobModelOptions model, string prompt, IReadOnlyList<JobCall> calls, int threads, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(model);
        if (model.Api is not null) return await job.Get<JobReplies>().AskAsync(job, work, $"{key}.api", prompt, calls, ct);
        work.Device = ModelLibrary.Device(threads);
        // The tensor library counts its threads by the thread that calls it.
        return await Task.Factory.StartNew(() => Write(job, work, key, model, calls, threads, ct), ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private static JobAnswer[] Write(JobContext job, JobWork work, string key, JobModelOptions model, IReadOnlyList<JobCall> calls, int threads, CancellationToken ct)
    {
        var (folder, local) = (Folder(job, key, model), Load(job, key, model));
        var encoder = new PromptEncoder(local.Tokenizer, model.Chat ? PromptEncoder.TemplateOf(folder) : null);
        var ends = folder.Ends(local);
        var answers = new JobAnswer[calls.Count];
        var requests = new List<(int Place, EngineRequest Request)>();
        for (var i = 0; i < calls.Count; i++)
        {
            var request = calls[i].Request;
            try
            {
                if (encoder.Encode(request.User, request.System) is { Length: > 0 } ids)
                {
                    var sampling = new XInstruct.Training.Generation.SamplingOptions { Temperature = request.Temperature, TopP = request.TopP };
                    requests.Add((i, new EngineRequest(ids) { MaxNewTokens = request.MaxTokens, Sampling = sampling, Seed = (ulong)request.Seed, StopIds = ends }));
                }
                else
                {
                    answers[i] = new JobAnswer(null, "empty-prompt");
                }
            }
            catch (ChatTemplateException)
            {
                answers[i] = new JobAnswer(null, "bad-messages");
            }
        }

        GenerationWindow.Run(
            local.Decoder,
            local.Tokenizer,
            [.. requests.Select(r => r.Request)],
            new EngineOptions { Threads = threads },
            (i, result) =>
            {
                answers[requests[i].Place] = result.Reason is not null ? new JobAnswer(result.Text, null) : new JobAnswer(null, result.Error is PromptTooLongException ? "prompt-too-long" : "failed");
                work.Charge(new Cost(result.PromptTokens, result.Tokens.Count));
            },
            _ => work.Advance(),
            ct);
        return answers;
    }
}
