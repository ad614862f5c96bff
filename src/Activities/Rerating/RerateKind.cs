using System.Text.Json;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Samples;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;
using XInstruct.Workflows.Languages;
using XInstruct.Workflows.Runs;

namespace XInstruct.Activities.Rerating;

/// <summary>
/// <c>xinstruct rerate</c>: a run's pairs are rated once more. Each second verdict is an event of its sample's stream as soon as it is there, beside the first one, which stays what the
/// run selected by.
/// </summary>
public sealed class RerateKind : JobKind<RerateRecipe>
{
    private const string Collect = "collect";
    private const string Rate = "rerate";

    private const int Batch = 1000;

    /// <inheritdoc/>
    public override string Name => "rerate";

    /// <inheritdoc/>
    public override string Description => "Has a run's pairs rated once more by another evaluator, beside the first verdict, and says how far the two agree.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "second-judge",
        ["run"] = "my-run-1a2b3c4d",
        ["judge.name"] = "gpt",
        ["judge.api.model"] = "gpt-4.1-mini",
    };

    /// <inheritdoc/>
    public override (IReadOnlyList<string> Sentences, object Summary)? Tell(string folder)
    {
        var result = JsonSerializer.Deserialize<RerateResult>(File.ReadAllBytes(Path.Combine(folder, RerateReport.FileName)), EventJson.Options)!;
        return ([.. RerateReport.Sentences(result)], result);
    }

    /// <inheritdoc/>
    protected override Task CheckAsync(RerateRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        JobModels.Check(check, "judge", recipe.Judge);
        if (recipe.Judge.Prompt is not { } file || check.Has("judge.prompt")) return Task.CompletedTask;
        string[] slots = ["text", "instruction"];
        if (PromptTemplate.Problem(File.ReadAllText(file), recipe.Judge.Api is null ? slots : [.. slots, "language"], slots) is { } problem) check.Add("judge.prompt", problem);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(RerateRecipe recipe) => [new JobStage(Collect, TaskQueues.Cpu), new JobStage(Rate, JobModels.Queue(recipe.Judge))];

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<RerateRecipe> job, string stage, CancellationToken ct) =>
        stage == Collect ? 1 : (await Pairs(job, ct).CountAsync(ct) + job.Recipe.PartSize - 1) / job.Recipe.PartSize;

    /// <inheritdoc/>
    protected override async Task WorkAsync(JobContext<RerateRecipe> job, JobWork work, CancellationToken ct)
    {
        if (work.Stage == Collect)
        {
            await CollectAsync(job, work, ct);
            return;
        }

        var recipe = job.Recipe;
        // The shipped prompt as it was when the job began: all of a job is rated by one.
        var prompt = recipe.Judge.Prompt is null ? (await job.ReadAsync<Collected>(Collect, ct).FirstAsync(ct)).Prompt! : await File.ReadAllTextAsync(job.Input("judge.prompt"), ct);
        var pairs = await Pairs(job, ct).Skip(work.Part * recipe.PartSize).Take(recipe.PartSize).ToListAsync(ct);
        var known = await ReadAsync(job, pairs, ct);
        var open = pairs.Where(p => known[p.Sample].RatingOf(job.Id, p.Instruction) is null).ToList();
        await job.Get<SecondRatings>().RateAsync(job, work, prompt, open, ct);
        if (open.Count > 0) known = await ReadAsync(job, pairs, ct);
        foreach (var pair in pairs)
        {
            var second = known[pair.Sample].RatingOf(job.Id, pair.Instruction) ?? throw new TamperedException($"Sample {pair.Sample} of run {recipe.Run} has lost its verdict by {job.Id}. Run 'xinstruct audit verify {recipe.Run}'.");
            await work.WriteAsync(new RatedTwice(pair.Sample, pair.Language, pair.Level, second.Level, second.Points, second.Probabilities, second.Reason), ct);
        }
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(JobContext<RerateRecipe> job, string folder, CancellationToken ct)
    {
        var rows = await job.ReadAsync<RatedTwice>(Rate, ct).ToListAsync(ct);
        await RerateReport.WriteAsync(job.Recipe, RerateResult.Of(job.Recipe, rows), rows, job.Id, folder, ct);
    }

    private static async Task CollectAsync(JobContext<RerateRecipe> job, JobWork work, CancellationToken ct)
    {
        var recipe = job.Recipe;
        var run = await job.Get<RunReader>().FindAsync(recipe.Run, ct) ?? throw new JobException($"There is no run {recipe.Run}. 'xinstruct status' lists the runs.");
        if (run.Iterations.Count == 0) throw new JobException($"Run {run.Name} has not ended an iteration yet, so it has no verdicts to set others beside. 'xinstruct status {run.Name}' shows how far it is.");
        if (recipe.Pairs == RerateScope.Released && run.Release is null) throw new JobException($"Run {run.Name} has no sealed release yet. Set pairs to rated or kept, or wait for it: xinstruct watch {run.Name}");
        await work.WriteAsync(new Collected(Prompt: recipe.Judge.Api is null ? new Recipe().Models.Evaluator.Prompt : EndpointPrompt.Shipped("evaluator")), ct);
        foreach (var language in run.Languages)
        {
            var plan = await job.Get<RunLibrary>().PlanAsync(new LanguageInput(new RunInput(run.Name, run.Recipe), language), ct);
            foreach (var ids in plan.Ids.Chunk(Batch))
            {
                foreach (var sample in (await job.Get<SampleReader>().LoadAsync(run.Name, ids, ct)).Where(s => Takes(recipe.Pairs, s)))
                    await work.WriteAsync(new Collected(new RatedPair(sample.SampleId, language, sample.Text, sample.Instruction!, sample.Level!.Value)), ct);
            }
        }

        if (work.Rows == 1) throw new JobException($"Run {run.Name} has no pairs that are {recipe.Pairs.ToString().ToLowerInvariant()}: there is nothing to rate.");
    }

    private static bool Takes(RerateScope scope, Sample sample) => sample is { Instruction: not null, Level: not null } && scope switch
    {
        RerateScope.Kept => sample.Kept is not null,
        RerateScope.Released => sample.Cluster is not null,
        _ => true,
    };

    private static async Task<Dictionary<Guid, Sample>> ReadAsync(JobContext<RerateRecipe> job, List<RatedPair> pairs, CancellationToken ct) =>
        (await job.Get<SampleReader>().LoadAsync(job.Recipe.Run, [.. pairs.Select(p => p.Sample)], ct)).ToDictionary(s => s.SampleId);

    private static IAsyncEnumerable<RatedPair> Pairs(JobContext<RerateRecipe> job, CancellationToken ct) =>
        job.ReadAsync<Collected>(Collect, ct).Where(row => row.Pair is not null).Select(row => row.Pair!);

    private sealed record Collected(RatedPair? Pair = null, string? Prompt = null);
}

/// <summary>A pair with the run's own verdict.</summary>
/// <param name="Sample">Sample id.</param>
/// <param name="Language">Language code.</param>
/// <param name="Text">Content hash of the text.</param>
/// <param name="Instruction">Content hash of the instruction.</param>
/// <param name="Level">The first verdict.</param>
public sealed record RatedPair(Guid Sample, string Language, string Text, string Instruction, int Level);

/// <summary>A pair with both verdicts.</summary>
/// <param name="Sample">Sample id.</param>
/// <param name="Language">Language code.</param>
/// <param name="First">The run's own level.</param>
/// <param name="Second">The second evaluator's; null when its answer could not be read.</param>
/// <param name="Points">Its points, when it was a prompt.</param>
/// <param name="Probabilities">Its probabilities of levels 0, 1, 2.</param>
/// <param name="Reason">Why there is no level, in a word.</param>
public sealed record RatedTwice(Guid Sample, string Language, int First, int? Second, int? Points, IReadOnlyList<double>? Probabilities, string? Reason);
