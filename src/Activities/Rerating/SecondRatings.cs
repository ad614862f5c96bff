using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Activities.Rating;
using XInstruct.Activities.Runs;
using XInstruct.Activities.Storage;
using XInstruct.Domain.Identities;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Refinement;
using XInstruct.Domain.Samples;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Texts;
using XInstruct.Training.Scoring;

namespace XInstruct.Activities.Rerating;

/// <summary>Asks the second evaluator and writes its verdicts to the samples' streams, with their cost; the job's budget pays.</summary>
public sealed class SecondRatings(EventWriter writer, Contents contents, RunSettingsTable settings, ShardCalls calls)
{
    // Verdicts in one transaction, at most.
    private const int Group = 16;

    /// <summary>Rates pairs that the job has not rated.</summary>
    /// <param name="job">The job.</param>
    /// <param name="work">The part.</param>
    /// <param name="prompt">Template of the prompt.</param>
    /// <param name="pairs">The pairs.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Temporalio.Exceptions.ApplicationFailureException">The endpoint cannot be used, or the budget is spent.</exception>
    public async Task RateAsync(JobContext<RerateRecipe> job, JobWork work, string prompt, IReadOnlyList<RatedPair> pairs, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(work);
        if (pairs.Count == 0) return;
        var texts = await contents.ReadAsync([.. pairs.SelectMany(p => new[] { p.Text, p.Instruction })], ct);
        if (job.Recipe.Judge.Api is null) await ScoreAsync(job, work, prompt, pairs, texts, ct);
        else await AskAsync(job, work, prompt, pairs, texts, ct);
    }

    private async Task AskAsync(JobContext<RerateRecipe> job, JobWork work, string prompt, IReadOnlyList<RatedPair> pairs, IReadOnlyDictionary<string, string> texts, CancellationToken ct)
    {
        var (recipe, judge) = (job.Recipe, job.Recipe.Judge);
        var endpoint = (await settings.FindAsync<JobEndpoints>(job.Id, ct))?.Endpoints.GetValueOrDefault("judge.api")
            ?? throw new JobException($"Job {job.Id} has no settings of judge.api. Start it with its recipe, which writes them.");
        work.Device = $"{endpoint.BaseUrl} {endpoint.Model}";
        var (template, whole) = (PromptTemplate.Parse(prompt), $"{judge.System}\n\n{prompt}");
        var act = new Act("rerate", CodeVersion.Current, Prompt: ContentHash.Of(whole), Device: work.Device);
        var scope = new CallScope(job.Id, work.Stage, "", FormattableString.Invariant($"{work.Part}"));
        await calls.RunAsync(scope, endpoint, pairs, Ask, Group, CommitAsync, ct);

        ChatRequest Ask(RatedPair pair)
        {
            var slots = new Dictionary<string, string>(RatingActivities.Slots(TextNormalizer.Normalize(texts[pair.Text]), texts[pair.Instruction]), StringComparer.Ordinal)
            {
                ["language"] = Language.Parse(pair.Language).EnglishName,
            };
            return new ChatRequest(judge.System, template.Fill(slots), recipe.MaxTokens, 0, 1, 0, LogProbabilities: false);
        }

        async Task CommitAsync(IReadOnlyList<Answered<RatedPair>> answers, CancellationToken token)
        {
            var changes = answers.Select(a => Change(job, a.Row, Read(a.Outcome), whole, a.Paid.Cost)).ToList();
            await writer.WriteAsync(recipe.Run, act, changes, token, (session, written) => BudgetBook.QueueSettlement(
                session, scope, [.. answers.Where((_, i) => written[i]).Select(a => a.Paid)], [.. answers.Where((_, i) => !written[i]).Select(a => a.Paid)]));
            work.Advance(answers.Count);
        }
    }

    private async Task ScoreAsync(JobContext<RerateRecipe> job, JobWork work, string template, IReadOnlyList<RatedPair> pairs, IReadOnlyDictionary<string, string> texts, CancellationToken ct)
    {
        var recipe = job.Recipe;
        work.Device = ModelLibrary.Device(recipe.Threads);
        // The tensor library counts its threads by the thread that calls it.
        var (requests, scores) = await Task.Factory.StartNew(Score, ct, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var act = new Act("rerate", CodeVersion.Current, [job.FolderHash("judge.path")], ContentHash.Of(template), Device: work.Device);
        var changes = pairs.Select((pair, i) => Change(
            job, pair, new Verdict(scores[i].Label, [.. RatingActivities.Labels.Select((_, level) => Math.Round(scores[i].Share(level), 6))]), template, new Cost(requests[i].Prompt.Length, 1))).ToList();
        await writer.WriteAsync(recipe.Run, act, changes, ct);
        work.Advance(pairs.Count);

        (List<LabelRequest> Requests, IReadOnlyList<LabelScore> Scores) Score()
        {
            var model = JobModels.Load(job, "judge", recipe.Judge);
            var prompt = new ModelPrompt(model.Tokenizer, template, recipe.Judge.MaxTextTokens);
            var asked = pairs.Select(p => new LabelRequest(
                prompt.Prompt(RatingActivities.Slots(TextNormalizer.Normalize(texts[p.Text]), texts[p.Instruction])), DeterministicRandom.SeedOf($"rerate/{recipe.Seed}/{p.Sample}"))).ToList();
            return (asked, new LabelScorer(model.Tokenizer, RatingActivities.Labels).Score(model.Decoder, asked, threads: recipe.Threads, cancellation: ct));
        }
    }

    private static Change<Sample> Change(JobContext<RerateRecipe> job, RatedPair pair, Verdict verdict, string prompt, Cost cost)
    {
        var rerated = new SampleRerated(job.Id, job.Recipe.Judge.Name, pair.Instruction, verdict.Level, verdict.Probabilities, verdict.Points, verdict.Reason);
        return new Change<Sample>(
            Identity.Stream(job.Recipe.Run, pair.Sample), pair.Sample, sample => sample?.Rerate(rerated) is { } e ? new Fact(e, [Content.Of(Guid.Empty, prompt)], cost) : null);
    }

    private static Verdict Read(ChatOutcome outcome) => outcome switch
    {
        ChatRefusal refusal => new Verdict(null, Reason: refusal.Reason),
        ChatReply reply when RubricScore.Parse(reply.Text) is { } points => new Verdict(RubricScore.Level(points), RubricScore.Probabilities(points), points),
        _ => new Verdict(null, Reason: "unparsed"),
    };

    private sealed record Verdict(int? Level, IReadOnlyList<double>? Probabilities = null, int? Points = null, string? Reason = null);
}
