using System.Globalization;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Judging;
using XInstruct.Domain.Languages;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Refinement;

namespace XInstruct.Activities.Judging;

/// <summary>Reads questions, answers and judged answers, joins them by id, and says what could not be joined.</summary>
internal sealed class JudgeFiles(JobContext<JudgeRecipe> job)
{
    private readonly JudgeRecipe _recipe = job.Recipe;

    /// <summary>Rows and pairs that cannot be judged.</summary>
    public List<JudgeIssue> Issues { get; } = [];

    /// <summary>All judgments to be made, by language, question and models, so that the order of files' rows decides nothing.</summary>
    public async Task<IReadOnlyList<JudgeItem>> ItemsAsync(CancellationToken ct)
    {
        var questions = new Dictionary<(string Language, string Id), Question>();
        for (var i = 0; i < _recipe.Questions.Count; i++)
        {
            var (options, key) = (_recipe.Questions[i], $"questions.{i}.path");
            await foreach (var (row, id) in RowsAsync(key, options.Id, ct))
            {
                if (row.Find(options.Text) is not { } text) Say(key, row, id, $"There is no column {options.Text}.");
                else if (!questions.TryAdd((Code(options.Language), id), new Question(text, row.Find(options.Category) ?? ""))) Say(key, row, id, "This id is there twice; the first row counts.");
            }
        }

        var answers = new SortedDictionary<(string Language, string Id), SortedDictionary<int, (Question Question, string Text)>>(Comparer<(string Language, string Id)>.Create(
            (a, b) => string.CompareOrdinal(a.Language, b.Language) is not 0 and var order ? order : string.CompareOrdinal(a.Id, b.Id)));
        var models = _recipe.Answers.Select(a => a.Model).Distinct(StringComparer.Ordinal).ToList();
        for (var i = 0; i < _recipe.Answers.Count; i++)
        {
            var (options, key) = (_recipe.Answers[i], $"answers.{i}.path");
            var language = Code(options.Language);
            await foreach (var (row, id) in RowsAsync(key, options.Id, ct))
            {
                if (_recipe.Questions.Count == 0 && row.Find(options.Text) is { } own)
                {
                    var first = questions.TryAdd((language, id), new Question(own, row.Find(options.Category) ?? "")) ? own : questions[(language, id)].Text;
                    if (first != own) Say(key, row, id, "Another file has another question under this id; the first one counts.");
                }

                var question = questions.GetValueOrDefault((language, id)) ?? questions.GetValueOrDefault(("", id));
                if (question is null) Say(key, row, id, _recipe.Questions.Count == 0 ? $"There is no column {options.Text}." : "No question has this id.");
                else if (Answer(row, options) is not { } answer) Say(key, row, id, $"There is no answer: no column {options.Output}, nor {options.Output}-1.");
                else if (!Of(answers, (language, id)).TryAdd(models.IndexOf(options.Model), (question, answer))) Say(key, row, id, $"{options.Model} answers this twice; the first row counts.");
            }
        }

        var items = answers.SelectMany(entry => Items(entry.Key.Language, entry.Key.Id, entry.Value, models)).ToList();
        // A question without a language serves all.
        var (answered, ids) = (answers.Keys.ToHashSet(), answers.Keys.Select(a => a.Id).ToHashSet(StringComparer.Ordinal));
        foreach (var (language, id) in questions.Keys.Where(q => q.Language.Length > 0 ? !answered.Contains(q) : !ids.Contains(q.Id)).OrderBy(q => q.Language, StringComparer.Ordinal).ThenBy(q => q.Id, StringComparer.Ordinal))
            Issues.Add(new JudgeIssue("questions", null, id, $"No model answers this question{In(language)}."));
        return _recipe.Answers.Count == 0 || items.Count > 0 ? items : throw new JobException(
            $"There is nothing to judge: of {_recipe.Answers.Count} files of answers none {(_recipe.Form == JudgeForm.Pairwise ? "makes a pair with another" : "has an answer to a question")}. {string.Join(" ", Issues.Take(3).Select(i => $"{i.File}{(i.Row is { } row ? $", row {row}" : "")}: {i.Problem}"))}");
    }

    /// <summary>Judgments that files bring.</summary>
    public async Task<IReadOnlyList<Judgment>> JudgedAsync(CancellationToken ct)
    {
        var judgments = new List<Judgment>();
        for (var i = 0; i < _recipe.Judged.Count; i++)
        {
            var (options, key) = (_recipe.Judged[i], $"judged.{i}.path");
            var seen = new HashSet<string>(StringComparer.Ordinal);
            await foreach (var (row, id) in RowsAsync(key, options.Id, ct))
            {
                if (!seen.Add(id))
                {
                    Say(key, row, id, "This id is there twice; the first row counts.");
                    continue;
                }

                var reply = row.Find(options.Reply);
                var score = reply is null ? null : Score(_recipe, reply);
                if (row.Find(options.Score) is { } stored && stored != (score ?? 0).ToString(CultureInfo.InvariantCulture)) Say(key, row, id, $"The file says {stored}; its reply gives {score?.ToString(CultureInfo.InvariantCulture) ?? "no score"}.");
                judgments.Add(new Judgment(new JudgeItem(id, id, "", Code(options.Language), "", options.Model, ""), options.Judge, reply, reply is null ? "no-reply" : null, score, null));
            }
        }

        return judgments;
    }

    /// <summary>The score of a single answer that a reply holds; null when it holds none.</summary>
    public static int? Score(JudgeRecipe recipe, string reply) => recipe switch
    {
        { Compat: true } => JudgeReplies.Single(reply),
        { Form: JudgeForm.Single } => RubricScore.Parse(reply) is >= 1 and var score ? score : null,
        _ => RubricScore.Parse(reply),
    };

    private IEnumerable<JudgeItem> Items(string language, string id, SortedDictionary<int, (Question Question, string Text)> answers, List<string> models)
    {
        // Whoever answers in some language is expected to in this one too.
        foreach (var model in models.Where(model => !answers.ContainsKey(models.IndexOf(model)))) Issues.Add(new JudgeIssue("answers", null, id, $"{model} has no answer{In(language)}."));
        if (_recipe.Form != JudgeForm.Pairwise)
            return answers.Select(a => new JudgeItem($"{language}/{id}/{models[a.Key]}", id, a.Value.Question.Category, language, a.Value.Question.Text, models[a.Key], a.Value.Text));
        var pairs = from a in answers
                    from b in answers
                    where a.Key != b.Key && (_recipe.Baseline is null || models[a.Key] == _recipe.Baseline || models[b.Key] == _recipe.Baseline)
                    select (a, b);
        return pairs.Select(p => new JudgeItem(
            $"{language}/{id}/{models[p.a.Key]}/{models[p.b.Key]}", id, p.a.Value.Question.Category, language, p.a.Value.Question.Text, models[p.a.Key], p.a.Value.Text, models[p.b.Key], p.b.Value.Text));
    }

    private async IAsyncEnumerable<(TableRow Row, string Id)> RowsAsync(string key, string idColumn, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        await foreach (var row in TableReader.ReadAsync(job.Input(key), new TableReadOptions(), ct))
        {
            if (row.Problem is { } problem) Say(key, row, null, problem);
            else if (row.Find(idColumn) is not { Length: > 0 } id) Say(key, row, null, $"There is no column {idColumn}.");
            else yield return (row, id);
        }
    }

    private static string Code(string? language) => language is null ? "" : Language.Parse(language).Code;

    private static string In(string language) => language.Length > 0 ? $" in {language}" : "";

    private static string? Answer(TableRow row, AnswerOptions options)
    {
        if (row.Find(options.Output) is { } one) return one;
        var some = Enumerable.Range(1, 3).Select(n => row.Find(string.Create(CultureInfo.InvariantCulture, $"{options.Output}-{n}"))).OfType<string>().ToList();
        // Of equal ones the first.
        return options.Pick == AnswerPick.Shortest ? some.MinBy(Length) : some.MaxBy(Length);
    }

    /// <summary>Length in code points.</summary>
    public static int Length(string text) => text.EnumerateRunes().Count();

    private static SortedDictionary<int, (Question Question, string Text)> Of(IDictionary<(string Language, string Id), SortedDictionary<int, (Question Question, string Text)>> all, (string Language, string Id) key)
    {
        if (!all.TryGetValue(key, out var found)) all[key] = found = [];
        return found;
    }

    private void Say(string key, TableRow row, string? id, string problem) => Issues.Add(new JudgeIssue(key, row.Number + 1, id, problem));

    private sealed record Question(string Text, string Category);
}
