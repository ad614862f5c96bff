using XInstruct.Activities.Jobs;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;

namespace XInstruct.Activities.Evaluation;

/// <summary>The items that a model got most wrong, task by task.</summary>
internal sealed class WorstItems(JobContext<EvaluationRecipe> job, IReadOnlyList<TaskUnit> units)
{
    private const int LongestPrompt = 700, LongestAnswer = 300;

    // Half a character is none.
    private static readonly char[] HighSurrogates = [.. Enumerable.Range(0xD800, 0x400).Select(c => (char)c)], LowSurrogates = [.. Enumerable.Range(0xDC00, 0x400).Select(c => (char)c)];

    /// <summary>Examples for the report: those of the last model, which is not the baseline when there are several.</summary>
    public async Task<IReadOnlyList<(string Caption, string Text)>> OfAsync(IReadOnlyList<ScoredFile> files, IReadOnlyList<string> models, int count, CancellationToken ct)
    {
        var examples = new List<(string, string)>();
        var tasks = files.Where(file => file.Model == models[^1]).GroupBy(file => file.Task).ToList();
        if (tasks.Count == 0 || count == 0) return examples;
        foreach (var task in tasks)
        {
            var worst = task.SelectMany(file => file.Items.Select(item => (File: file, Item: item, Wrong: Wrongness(item)))).Where(entry => entry.Wrong is not null)
                .OrderByDescending(entry => entry.Wrong).ThenBy(entry => entry.Item.Language, StringComparer.Ordinal).ThenBy(entry => entry.Item.Row).Take(Math.Max(1, count / tasks.Count));
            foreach (var (file, item, _) in worst) examples.Add(($"{item.Model} · {string.Join(" / ", new[] { item.Task, item.Dataset, item.Template }.OfType<string>())} · {item.Language} · item {item.Id}", await TextAsync(file, item, ct)));
        }

        return examples;
    }

    // How far the wrong answer leads; of texts how far they are from the right one.
    private static double? Wrongness(ItemScore item) => item switch
    {
        { Error: not null } => null,
        { Predicted: { } predicted, Answer: { } answer, Scores: { } scores } => predicted == answer ? null : scores[predicted] - scores[answer],
        { Output: not null, Reference: not null } => 1 - (Measure.All["chrf"].Score(Measure.All["chrf"].Counts(item)!) / 100) is var far && far > 0.2 ? far : null,
        { Scores: [var score], Bytes: { } bytes } => -score / bytes,
        _ => null,
    };

    private async Task<string> TextAsync(ScoredFile file, ItemScore item, CancellationToken ct)
    {
        var unit = units.ToList().FindIndex(u => (u.Name, u.Language, u.Dataset, u.Template) == (file.Task, file.Language, file.Dataset, file.Template));
        var asked = await job.ReadPartAsync<EvaluationItem>(EvaluationKind.Items, unit, ct).FirstAsync(i => i.Row == item.Row, ct);
        var prompt = asked.Prompt!.Length <= LongestPrompt ? asked.Prompt : "… " + asked.Prompt[^LongestPrompt..].TrimStart(LowSurrogates);
        if (item.Choices is { } choices) return $"{prompt}\n\nchose: {Short(choices[item.Predicted!.Value])}\nright: {Short(choices[item.Answer!.Value])}";
        return item.Output is null ? FormattableString.Invariant($"{prompt}\n\nlog-likelihood {item.Scores![0]:F1} over {item.Tokens![0]} tokens") : $"{prompt}\n\nwrote: {Short(item.Output)}\nright: {Short(item.Reference!)}";
    }

    private static string Short(string text) => text.Length <= LongestAnswer ? text : text[..LongestAnswer].TrimEnd(HighSurrogates) + " …";
}
