using Temporalio.Activities;
using XInstruct.Activities.Curation;
using XInstruct.Activities.Evaluation;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Recipes;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Activities.Tuning;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Jobs;
using XInstruct.Domain.Models;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Runs;
using XInstruct.Workflows.Chains;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Chains;

/// <summary>What a chain does between its steps. Each step's recipe is made of what the steps before it gave, by their hashes: the same whoever does it, and however often.</summary>
public sealed class ChainActivities(
    Contents contents, FileStore files, EventWriter writer, RunReader runs, JobStore jobs, TrainingStarter trainings, ModelReader models) : IChainActivities
{
    /// <inheritdoc/>
    [Activity]
    public Task<IReadOnlyList<string>> StartChainAsync(ChainInput input) => JobActivities.TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var document = await DocumentAsync(input, ct);
        await WriteAsync(input, current => Job.Start(current, new JobStarted(input.Chain, "chain", input.Recipe, [])) ?? Steering.GoOn(current!.Steered), ct);
        return document.Steps();
    });

    /// <inheritdoc/>
    [Activity]
    public Task<ChainStep> PrepareStepAsync(ChainStepInput input) => JobActivities.TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        var document = await DocumentAsync(input.Chain, ct);
        return input.Name switch
        {
            "generate" => new ChainStep(input.Name, Run: document.Run),
            "curate" => new ChainStep(input.Name, Job: await CurateAsync(document, ct)),
            "without" => new ChainStep(input.Name, Training: await TrainAsync(document, input.Name, [], ct)),
            "with" => new ChainStep(input.Name, Training: await TrainAsync(document, input.Name, await NewDataAsync(document, input.Done, ct), ct)),
            _ => new ChainStep(input.Name, Job: await EvaluateAsync(document, input.Done, ct)),
        };
    });

    /// <inheritdoc/>
    [Activity]
    public Task<string> EndChainAsync(ChainEndInput input) => JobActivities.TryAsync(async heartbeat =>
    {
        var ct = heartbeat.Token;
        if (await jobs.FindAsync(input.Chain.Recipe, ct) is { Ended.Result: var known } && files.HasTree(known)) return known;
        var document = await DocumentAsync(input.Chain, ct);
        var done = input.Done.ToDictionary(step => step.Name, StringComparer.Ordinal);
        var (without, with) = (await ModelAsync(done["without"], ct), await ModelAsync(done["with"], ct));
        var evaluation = files.Tree(await ResultAsync(done["evaluate"].Job!, ct));
        var added = new List<AddedFile>();
        foreach (var path in await NewDataAsync(document, input.Done, ct)) added.Add(new AddedFile((await FileStore.EntryAsync(path, "", ct)).Sha256, File.ReadLines(path).LongCount()));
        var folder = files.NewFolder();
        ResultFolder.Copy(evaluation, Path.Combine(folder, "evaluation"));
        var release = (await runs.LoadAsync(document.Run.Run, ct)).Release!;
        await new ChainReport(document, input.Chain.Chain, release, added, without, with, evaluation).WriteAsync(folder, ct);
        var ended = new JobEnded(await files.PutTreeAsync(folder, ct));
        await WriteAsync(input.Chain, job => job?.End(ended), ct);
        return (await jobs.FindAsync(input.Chain.Recipe, ct))!.Ended!.Result;
    });

    private async Task<JobInput> CurateAsync(ChainDocument document, CancellationToken ct)
    {
        var recipe = PinnedRecipe.Open<CurationRecipe>(document.Curate!.Value, files);
        var release = (await ReleaseAsync(document, ct)).Select(path => new CurationSource { Path = path, Group = Path.GetFileNameWithoutExtension(path) });
        recipe.Sources = [.. recipe.Sources, .. release];
        return await jobs.PrepareAsync(new LoadedJob(new CurationKind(), recipe, document.Name), ct);
    }

    private async Task<Workflows.Training.TuneInput> TrainAsync(ChainDocument document, string step, IReadOnlyList<string> added, CancellationToken ct)
    {
        var recipe = PinnedRecipe.Open<TrainingRecipe>(document.Train, files);
        recipe.Name = $"{recipe.Name[..Math.Min(recipe.Name.Length, 30)].TrimEnd('-')}-{step}";
        recipe.Data.Files = [.. recipe.Data.Files, .. added];
        return await trainings.PrepareAsync(new LoadedTraining(TrainingKind.Sft, recipe, document.Name), ct);
    }

    private async Task<JobInput> EvaluateAsync(ChainDocument document, IReadOnlyList<ChainStep> done, CancellationToken ct)
    {
        var recipe = PinnedRecipe.Open<EvaluationRecipe>(document.Evaluate, files);
        var evaluated = new List<EvaluatedModel>();
        foreach (var step in done.Where(step => step.Training is not null))
        {
            var trained = (await ModelAsync(step, ct)).Trained!;
            var isAdapter = File.Exists(Path.Combine(files.Tree(trained.Model), "adapter_config.json"));
            evaluated.Add(new EvaluatedModel { Name = step.Name, Path = files.Tree(isAdapter ? trained.Base : trained.Model), Adapter = isAdapter ? files.Tree(trained.Model) : null });
        }

        (recipe.Models, recipe.Baseline) = (evaluated, evaluated[0].Name);
        return await jobs.PrepareAsync(new LoadedJob(new EvaluationKind(), recipe, document.Name), ct);
    }

    private async Task<IReadOnlyList<string>> NewDataAsync(ChainDocument document, IReadOnlyList<ChainStep> done, CancellationToken ct) =>
        done.FirstOrDefault(step => step.Name == "curate")?.Job is { } curation ? [Path.Combine(files.Tree(await ResultAsync(curation, ct)), "sft.jsonl")] : await ReleaseAsync(document, ct);

    private async Task<IReadOnlyList<string>> ReleaseAsync(ChainDocument document, CancellationToken ct)
    {
        var release = (await runs.LoadAsync(document.Run.Run, ct)).Release ?? throw new TamperedException($"Run {document.Run.Run} has no release.");
        return [.. release.Files.Select(file => Path.Combine(files.Releases(document.Run.Run), $"{release.Number}", file.Name))];
    }

    private async Task<string> ResultAsync(JobInput job, CancellationToken ct) => (await jobs.FindAsync(job.Recipe, ct))?.Ended?.Result ?? throw new TamperedException($"Job {job.Job} has no result.");

    private async Task<Model> ModelAsync(ChainStep step, CancellationToken ct) =>
        await models.FindAsync(Identity.ModelStream(step.Training!.Recipe), ct) is { Trained: not null } model ? model : throw new TamperedException($"Training {step.Training.Training} has no result.");

    private async Task<ChainDocument> DocumentAsync(ChainInput input, CancellationToken ct) => ChainDocument.Parse(await contents.ReadAsync(input.Recipe, ct));

    private Task WriteAsync(ChainInput input, Func<Job?, object?> decide, CancellationToken ct)
    {
        var stream = Identity.JobStream(input.Recipe);
        var change = new Change<Job>(stream, stream, job => decide(job) is { } e ? new Fact(e) : null);
        return writer.WriteAsync(input.Chain, new Act("chain", CodeVersion.Current), [change], ct);
    }
}
