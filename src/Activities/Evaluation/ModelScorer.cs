using System.Text;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Models;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Metrics;
using XInstruct.Domain.Provenance;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Training.Chat;
using XInstruct.Training.Generation;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tokenizers;

namespace XInstruct.Activities.Evaluation;

/// <summary>Gives a local model the questions of a window: what it makes of them follows from the window and the recipe alone.</summary>
/// <param name="folder">The model's folder.</param>
/// <param name="model">The model, loaded.</param>
/// <param name="asked">How it is asked.</param>
/// <param name="recipe">The recipe.</param>
internal sealed class ModelScorer(ModelFolder folder, LocalModel model, EvaluatedModel asked, EvaluationRecipe recipe)
{
    private readonly PromptEncoder _prompts = new(model.Tokenizer, asked.Chat ? PromptEncoder.TemplateOf(folder) : null);
    private readonly int? _begin = Begin(folder, model);
    private readonly IReadOnlyList<int> _ends = folder.Ends(model);

    /// <summary>Scores questions of one file; results are in their order.</summary>
    public IReadOnlyList<ItemScore> Score(TaskUnit unit, IReadOnlyList<EvaluationItem> items, CancellationToken ct)
    {
        var results = items.Select(item => Blank(asked, unit, item)).ToArray();
        foreach (var i in Enumerable.Range(0, items.Count).Where(i => items[i].Problem is null)) results[i] = results[i] with { Error = Refusal(unit, items[i]) };
        var open = Enumerable.Range(0, items.Count).Where(i => results[i].Error is null).ToArray();
        Parts(open, i => items[i].Choices is not null && unit.Task.Form == TaskForm.Label, places => Label(places, items, results, ct));
        Parts(open, i => items[i].Choices is not null && unit.Task.Form != TaskForm.Label, places => Rank(places, unit, items, results, ct));
        Parts(open, i => items[i].Choices is null && unit.Task.Form != TaskForm.Perplexity, places => Generate(places, unit, items, results, ct));
        Parts(open, _ => unit.Task.Form == TaskForm.Perplexity, places => Surprise(places, items, results, ct));
        return results;

        static void Parts(int[] open, Func<int, bool> isMine, Action<int[]> work)
        {
            var mine = open.Where(isMine).ToArray();
            if (mine.Length > 0) work(mine);
        }
    }

    /// <summary>An item before it is scored.</summary>
    /// <param name="asked">The model.</param>
    /// <param name="unit">The item's file.</param>
    /// <param name="item">The item.</param>
    public static ItemScore Blank(EvaluatedModel asked, TaskUnit unit, EvaluationItem item) => new()
    {
        Model = asked.Name,
        Task = unit.Name,
        Language = unit.Language,
        Dataset = unit.Dataset,
        Template = unit.Template,
        Id = item.Id,
        Row = item.Row,
        Prompt = item.Prompt is { } prompt ? ContentHash.Of(prompt) : null,
        Choices = item.Choices,
        Answer = item.Answer,
        Reference = item.Choices is null ? item.Reference : null,
        Error = item.Problem,
    };

    // One question that cannot be put is no reason to end a job, or to try it for ever.
    private string? Refusal(TaskUnit unit, EvaluationItem item)
    {
        if (unit.Task.Form == TaskForm.Perplexity) return null;
        try
        {
            // A choice may follow nothing: then it follows what begins a text.
            return Ids(item.Prompt!).Length > 0 || (item.Choices is not null && unit.Task.Form != TaskForm.Label) ? null : "empty-prompt";
        }
        catch (ChatTemplateException)
        {
            return "chat-template";
        }
    }

    private void Label(int[] places, IReadOnlyList<EvaluationItem> items, ItemScore[] results, CancellationToken ct)
    {
        // One file has one set of labels.
        var scorer = new LabelScorer(model.Tokenizer, items[places[0]].Choices!);
        var requests = places.Select(i => new LabelRequest(Ids(items[i].Prompt!), DeterministicRandom.SeedOf($"tie/{recipe.Seed}/{items[i].Prompt}"))).ToList();
        var fits = Fitting(places, i => requests[Array.IndexOf(places, i)].Prompt.Length, results);
        var scores = scorer.Score(model.Decoder, [.. fits.Select(i => requests[Array.IndexOf(places, i)])], recipe.BatchTokens, recipe.Threads, sharesHead: true, ct);
        for (var n = 0; n < fits.Count; n++)
        {
            results[fits[n]] = results[fits[n]] with
            {
                Scores = Rounded(scores[n].Scores),
                Predicted = scores[n].Label,
                Tie = scores[n].IsTie,
                SharedIds = scorer.SharedIds.Count > 0 ? scorer.SharedIds.Count : null,
            };
            Check(results, fits[n]);
        }
    }

    private void Rank(int[] places, TaskUnit unit, IReadOnlyList<EvaluationItem> items, ItemScore[] results, CancellationToken ct)
    {
        var requests = new Dictionary<int, ScoreRequest[]>();
        foreach (var i in places)
        {
            try
            {
                requests[i] = [.. items[i].Choices!.Select(choice => Pair(items[i].Prompt!, items[i].Delimiter + choice))];
            }
            catch (ArgumentException)
            {
                results[i] = results[i] with { Error = "empty-choice" };
            }
        }

        var fits = Fitting([.. requests.Keys], i => requests[i].Max(request => request.Prompt.Length + request.Completion.Length - 1), results);
        var scores = SharedContextScorer.Score(model.Decoder, [.. fits.SelectMany(i => requests[i])], recipe.BatchTokens, recipe.Threads, sharesHead: true, ct);
        var at = 0;
        foreach (var i in fits)
        {
            var mine = scores.Skip(at).Take(requests[i].Length).ToList();
            at += mine.Count;
            var ranked = mine.Select((score, c) => new ScoredChoice(items[i].Choices![c], score.LogLikelihood, score.Tokens, score.IsGreedy)).ToList();
            results[i] = results[i] with { Scores = Rounded(mine.Select(score => score.LogLikelihood)), Tokens = [.. mine.Select(score => score.Tokens)], Predicted = ChoiceScores.Best(ranked, unit.Task.Normalization) };
            Check(results, i);
        }
    }

    private void Generate(int[] places, TaskUnit unit, IReadOnlyList<EvaluationItem> items, ItemScore[] results, CancellationToken ct)
    {
        var requests = places.Select(i => new EngineRequest(Ids(items[i].Prompt + (asked.Chat ? "" : items[i].Delimiter!.TrimEnd(' ')))) { MaxNewTokens = unit.Task.MaxNewTokens, StopIds = _ends, StopTexts = unit.Task.Stop }).ToList();
        GenerationWindow.Run(model.Decoder, model.Tokenizer, requests, new EngineOptions { Threads = recipe.Threads }, (n, result) =>
        {
            var i = places[n];
            results[i] = result.Error is PromptTooLongException ? results[i] with { Error = "prompt-too-long" }
                : result.Error is not null || result.Reason is null ? results[i] with { Error = "failed" }
                : results[i] with { Output = result.Text.Trim() };
        }, cancellation: ct);
    }

    private void Surprise(int[] places, IReadOnlyList<EvaluationItem> items, ItemScore[] results, CancellationToken ct)
    {
        var requests = new List<(int Place, ScoreRequest Request)>();
        foreach (var i in places)
        {
            var ids = model.Tokenizer.Encode(items[i].Prompt!);
            if (ids.Length == 0)
            {
                results[i] = results[i] with { Error = "too-short" };
                continue;
            }

            // Without a token that begins a text its first one cannot be scored.
            var (prefix, scored) = _begin is { } begin ? (begin, ids) : (ids[0], ids[1..]);
            if (scored.Length == 0) results[i] = results[i] with { Error = "too-short" };
            var most = model.Decoder.Config.MaxPositions;
            requests.AddRange(Perplexity.Windows(scored, prefix, most, Math.Max(1, most / 2)).Select(window => (i, new ScoreRequest([.. window.Context], [.. window.Continuation]))));
        }

        var scores = SequenceScorer.Score(model.Decoder, [.. requests.Select(r => r.Request)], recipe.BatchTokens, recipe.Threads, ct);
        foreach (var group in requests.Zip(scores, (r, score) => (r.Place, score)).GroupBy(pair => pair.Place))
        {
            results[group.Key] = results[group.Key] with
            {
                Scores = Rounded([group.Sum(pair => pair.score.LogLikelihood)]),
                Tokens = [group.Sum(pair => pair.score.Tokens)],
                Bytes = Encoding.UTF8.GetByteCount(items[group.Key].Prompt!),
            };
            Check(results, group.Key);
        }
    }

    private List<int> Fitting(IReadOnlyList<int> places, Func<int, int> length, ItemScore[] results)
    {
        foreach (var i in places.Where(i => length(i) > model.Decoder.Config.MaxPositions)) results[i] = results[i] with { Error = "prompt-too-long" };
        return [.. places.Where(i => results[i].Error is null)];
    }

    private static void Check(ItemScore[] results, int place)
    {
        if (results[place].Scores!.Any(score => !double.IsFinite(score))) results[place] = results[place] with { Scores = null, Predicted = null, Error = "no-number" };
    }

    private static double[] Rounded(IEnumerable<double> scores) => [.. scores.Select(score => Math.Round(score, 6))];

    private ScoreRequest Pair(string prompt, string choice) => !asked.Chat
        ? PairEncoder.Encode(model.Tokenizer, prompt, choice, _begin)
        : model.Tokenizer.Encode(choice.TrimStart()) is { Length: > 0 } ids ? new ScoreRequest(Ids(prompt), ids) : throw new ArgumentException("The choice has no token.", nameof(choice));

    private int[] Ids(string prompt) => _prompts.Encode(prompt, asked.System);

    private static int? Begin(ModelFolder folder, LocalModel model)
    {
        var named = TokenizerConfig.Load(folder.Path);
        return (named.BeginToken ?? named.EndToken) is { } token && model.Tokenizer.FindId(token) is { } id ? id : model.Decoder.Config.EndId;
    }
}
