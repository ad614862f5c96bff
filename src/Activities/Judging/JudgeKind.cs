using System.Text.Json;
using XInstruct.Activities.Endpoints;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Domain.Judging;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Training.Tokenizers;
using XInstruct.Workflows;
using XInstruct.Workflows.Jobs;

namespace XInstruct.Activities.Judging;

/// <summary><c>xinstruct judge</c>: models' answers to the same questions are scored by other models, in pairs and both orders or one by one.</summary>
public sealed class JudgeKind : JobKind<JudgeRecipe>
{
    private const string Collect = "collect";

    /// <inheritdoc/>
    public override string Name => "judge";

    /// <inheritdoc/>
    public override string Description => "Lets models judge other models' answers, and sums the scores up with intervals, order flips and agreement.";

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Examples { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["name"] = "my-judging",
        ["answers.model"] = "ours",
        ["answers.path"] = "answer.fi.ours.jsonl",
        ["judges.name"] = "gpt",
        ["judges.api.model"] = "gpt-4.1-mini",
    };

    /// <inheritdoc/>
    protected override Task CheckAsync(JudgeRecipe recipe, RecipeCheck check, CancellationToken ct)
    {
        var isPairwise = recipe.Form == JudgeForm.Pairwise;
        check.Require(recipe.Answers.Count > 0 || recipe.Judged.Count > 0, "answers", "Name files of answers, or of answers that are judged already (judged).");
        check.Require(recipe.Answers.Count == 0 || recipe.Judges.Count > 0, "judges", "Name at least one judge.");
        check.Require(recipe.Judged.Count == 0 || !isPairwise, "judged", "Only single answers come judged: set form to single or additive.");
        check.Require(!recipe.Compat || recipe.Form == JudgeForm.Single, "compat", "Only of single answers: set form to single.");
        var models = recipe.Answers.Select(a => a.Model).ToHashSet(StringComparer.Ordinal);
        if (isPairwise)
        {
            check.Require(models.Count > 1, "answers", "Two models at least make a pair.");
            check.Require(recipe.Baseline is null || models.Contains(recipe.Baseline), "baseline", $"No answers are of {recipe.Baseline}. There are: {string.Join(", ", models)}.");
        }

        foreach (var (judged, i) in recipe.Judged.Select((j, i) => (j, i)))
        {
            check.Require(recipe.Judged.Count(j => (j.Model, j.Judge, j.Language) == (judged.Model, judged.Judge, judged.Language)) == 1, $"judged.{i}", $"{judged.Judge}'s scores of {judged.Model} are here twice.");
            check.Require(recipe.Judges.All(j => j.Name != judged.Judge) || recipe.Answers.All(a => a.Model != judged.Model), $"judged.{i}", $"{judged.Judge} is to judge {judged.Model} besides: its scores would count twice. Give one of them another name.");
        }

        foreach (var (options, key) in recipe.Questions.Select((q, i) => (q.Language, $"questions.{i}")).Concat(recipe.Answers.Select((a, i) => (a.Language, $"answers.{i}"))).Concat(recipe.Judged.Select((j, i) => (j.Language, $"judged.{i}"))))
            check.Require(options is null || Language.TryParse(options, out _), $"{key}.language", $"'{options}' is no language code.");
        foreach (var (judge, key) in recipe.Judges.Select((j, i) => (j, $"judges.{i}")))
        {
            JobModels.Check(check, key, judge);
            check.Require(recipe.Judges.Count(j => j.Name == judge.Name) == 1, $"{key}.name", $"{judge.Name} is here twice.");
            if (judge.Prompt is not { } file || check.Has($"{key}.prompt")) continue;
            string[] slots = isPairwise ? ["question", "answer1", "answer2"] : ["question", "answer"];
            if (PromptTemplate.Problem(File.ReadAllText(file), [.. slots, "language"], slots) is { } problem) check.Add($"{key}.prompt", problem);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<JobStage> Stages(JudgeRecipe recipe) =>
        [new JobStage(Collect, TaskQueues.Cpu), .. recipe.Judges.Select(judge => new JobStage(StageOf(judge), JobModels.Queue(judge)))];

    /// <inheritdoc/>
    protected override async Task<int> PartsAsync(JobContext<JudgeRecipe> job, string stage, CancellationToken ct) =>
        stage == Collect ? 1 : ((await Items(job, ct).CountAsync(ct)) + job.Recipe.PartSize - 1) / job.Recipe.PartSize;

    /// <inheritdoc/>
    protected override async Task WorkAsync(JobContext<JudgeRecipe> job, JobWork work, CancellationToken ct)
    {
        if (work.Stage == Collect)
        {
            await work.WriteAsync(new Collected(Rubric: EndpointPrompt.Shipped($"judge-{job.Recipe.Form.ToString().ToLowerInvariant()}")), ct);
            var files = new JudgeFiles(job);
            foreach (var item in await files.ItemsAsync(ct)) await work.WriteAsync(new Collected(item), ct);
            foreach (var judgment in await files.JudgedAsync(ct)) await work.WriteAsync(new Collected(Judged: judgment), ct);
            foreach (var issue in files.Issues) await work.WriteAsync(new Collected(Issue: issue), ct);
            return;
        }

        var recipe = job.Recipe;
        var number = recipe.Judges.Select((judge, i) => (judge, i)).First(j => StageOf(j.judge) == work.Stage).i;
        var (judge, key) = (recipe.Judges[number], $"judges.{number}");
        var items = await Items(job, ct).Skip(work.Part * recipe.PartSize).Take(recipe.PartSize).ToListAsync(ct);
        // The shipped rubric as it was when the job began: all of a job is judged by one.
        var text = judge.Prompt is null ? (await job.ReadAsync<Collected>(Collect, ct).FirstAsync(ct)).Rubric! : await File.ReadAllTextAsync(job.Input($"{key}.prompt"), ct);
        var template = PromptTemplate.Parse(text);
        // What fills a slot is plain text, whatever tokens of a local judge it spells.
        var special = judge.Api is null ? TextTokenizer.Load(job.Folder($"{key}.path")).AddedTokens.Where(token => token.IsSpecial).ToList() : [];
        var calls = items.ConvertAll(item => new JobCall(item.Key, new ChatRequest(judge.System, Fill(template, item, special), recipe.MaxTokens, 0, 1, 0, LogProbabilities: false)));
        var answers = await JobModels.AskAsync(job, work, key, judge, $"{judge.System}\n\n{text}", calls, recipe.Threads, ct);
        foreach (var (item, answer) in items.Zip(answers)) await work.WriteAsync(Judge(recipe, judge.Name, item, answer), ct);
    }

    /// <inheritdoc/>
    protected override async Task EndAsync(JobContext<JudgeRecipe> job, string folder, CancellationToken ct)
    {
        var recipe = job.Recipe;
        var (judgments, issues) = (new List<Judgment>(), new List<JudgeIssue>());
        await foreach (var row in job.ReadAsync<Collected>(Collect, ct))
        {
            if (row.Judged is { } judged) judgments.Add(judged);
            if (row.Issue is { } issue) issues.Add(issue);
        }

        foreach (var judge in recipe.Judges)
        {
            await foreach (var judgment in job.ReadAsync<Judgment>(StageOf(judge), ct)) judgments.Add(judgment);
        }

        var result = JudgeResult.Of(recipe, judgments, issues);
        await JudgeReport.WriteAsync(recipe, result, judgments, job.Id, folder, ct);
    }

    private static string StageOf(JudgeOptions judge) => $"judge-{judge.Name}";

    private static IAsyncEnumerable<JudgeItem> Items(JobContext<JudgeRecipe> job, CancellationToken ct) =>
        job.ReadAsync<Collected>(Collect, ct).Where(row => row.Item is not null).Select(row => row.Item!);

    private static string Fill(PromptTemplate template, JudgeItem item, IReadOnlyList<AddedToken> special) => template.Fill(new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["question"] = ModelPrompt.Defuse(item.Text, special),
        ["answer"] = ModelPrompt.Defuse(item.Answer, special),
        ["answer1"] = ModelPrompt.Defuse(item.Answer, special),
        ["answer2"] = ModelPrompt.Defuse(item.OtherAnswer ?? "", special),
        ["language"] = item.Language.Length > 0 ? Language.Parse(item.Language).EnglishName : "the question's language",
    });

    private static Judgment Judge(JudgeRecipe recipe, string judge, JudgeItem item, JobAnswer answer)
    {
        if (answer.Text is not { } reply) return new Judgment(item, judge, null, answer.Reason, null, null);
        if (recipe.Form != JudgeForm.Pairwise) return new Judgment(item, judge, reply, null, JudgeFiles.Score(recipe, reply), null);
        var scores = JudgeReplies.Pair(reply);
        return new Judgment(item, judge, reply, null, scores?.First, scores?.Second);
    }

    private sealed record Collected(JudgeItem? Item = null, Judgment? Judged = null, JudgeIssue? Issue = null, string? Rubric = null);
}
