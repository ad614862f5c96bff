using System.Globalization;
using XInstruct.Activities.Jobs;
using XInstruct.Activities.Tables;
using XInstruct.Domain.Evaluation;
using XInstruct.Domain.Recipes;
using XInstruct.Domain.Statistics;
using XInstruct.Domain.Tasks;

namespace XInstruct.Activities.Evaluation;

/// <summary>Makes questions of a file's rows.</summary>
/// <param name="recipe">The recipe.</param>
/// <param name="unit">The file.</param>
/// <param name="path">Where a file of the task's folder lies; null when there is none of that name.</param>
internal sealed class ItemReader(EvaluationRecipe recipe, TaskUnit unit, Func<string, string?> path)
{
    private static readonly TableReadOptions Reading = new(16 << 20);

    private readonly EvaluatedTask _asked = recipe.Tasks[unit.Entry];
    private readonly EvaluationTask _task = unit.Task;

    /// <summary>The questions, in the order of the rows; rows that are none say why.</summary>
    /// <exception cref="JobException">A file or the task does not fit.</exception>
    public async Task<IReadOnlyList<EvaluationItem>> ReadAsync(CancellationToken ct)
    {
        var rows = await RowsAsync(unit.File, ct);
        if (rows.Count == 0) throw new JobException($"{Place(unit.File)} has no row.");
        var labels = _task.Form == TaskForm.Label ? await LabelsAsync(rows, ct) : null;
        var words = new ItemWords(unit, labels?.Shown);
        var shotFile = TaskUnit.FileOf(_asked.ShotFiles ?? unit.File, unit.Language);
        var shots = _asked.Shots == 0 ? [] : Drawn(shotFile == unit.File ? rows : await RowsAsync(shotFile, ct), shotFile, words, labels);
        var left = shotFile == unit.File ? rows.Where(row => shots.All(shot => shot.Row != row.Number)).ToList() : rows;
        if (left.Count == 0) throw new JobException($"tasks.{unit.Entry}.shots: {Place(unit.File)} has {rows.Count} rows, and all of them are examples: none is left to ask.");
        if (_asked.Limit is { } limit && limit < left.Count)
        {
            var chosen = Order(left.Count, "limit").Take(limit).Order();
            left = [.. chosen.Select(i => left[i])];
        }

        var head = string.Concat(words.Shots.Concat(shots.Select(shot => shot.Text)).Select(shot => shot + _task.Separator));
        var items = left.Select(row => Item(row, words, labels, head)).ToList();
        if (items.All(item => item.Problem is not null))
            throw new JobException($"{Place(unit.File)}: no row is a question. Row {items[0].Row}: {items[0].Problem}. Its columns: {string.Join(", ", left[0].Columns?.Keys ?? [])}.");
        return items;
    }

    private EvaluationItem Item(TableRow row, ItemWords words, Labels? labels, string head)
    {
        var number = row.Number + 1;
        var id = (_task.Id is { } column ? row.Find(column) : null) ?? number.ToString(CultureInfo.InvariantCulture);
        if (row.Problem is { } problem) return new EvaluationItem(number, id, Problem: problem);
        if (_task.Form == TaskForm.Prompted) return Prompted(row, number);
        if (words.Prompt(row, out var missing) is not { } prompt) return new EvaluationItem(number, id, Problem: $"no-column {missing}");
        if (_task.Form == TaskForm.Perplexity) return prompt.Length == 0 ? new EvaluationItem(number, id, Problem: "empty") : new EvaluationItem(number, id, prompt);
        if (row.Find(_task.Answer) is not { } answer) return new EvaluationItem(number, id, Problem: $"no-column {_task.Answer}");
        if (_task.Form == TaskForm.Generate) return new EvaluationItem(number, id, head + prompt, Reference: answer, Delimiter: _task.Delimiter);
        var choices = labels?.Shown ?? Choices(row, words, out missing);
        if (choices is null) return new EvaluationItem(number, id, Problem: $"no-column {missing}");
        if (choices.Count < 2 || choices.Any(choice => choice.Length == 0)) return new EvaluationItem(number, id, Problem: "too-few-choices");
        if ((labels is null ? Right(answer, choices) : Index(labels.Gold, answer) ?? Index(_task.Choices, unit.Words?.LabelOf(answer) ?? answer)) is not { } right) return new EvaluationItem(number, id, Problem: $"answer-not-among-choices {answer}");
        return new EvaluationItem(number, id, head + prompt, choices, _task.Delimiter, right, choices[right]);
    }

    private EvaluationItem Prompted(TableRow row, long number)
    {
        if (row.Find("input") is not { Length: > 0 } input) return new EvaluationItem(number, row.Find("id") ?? "", Problem: "no-column input");
        if (row.Find("output") is not { } output) return new EvaluationItem(number, row.Find("id") ?? "", Problem: "no-column output");
        var id = row.Find("id") is { Length: > 0 } given ? given : number.ToString(CultureInfo.InvariantCulture);
        var choices = TaskRow.ChoicesOf(row.Find("choices") ?? "");
        if (choices.Count == 0) return new EvaluationItem(number, id, input, Delimiter: _task.Delimiter, Reference: output);
        // One choice is always right.
        if (choices.Count < 2 || choices.Any(choice => choice.Length == 0)) return new EvaluationItem(number, id, Problem: "too-few-choices");
        return Index(choices, output) is { } right
            ? new EvaluationItem(number, id, input, choices, _task.Delimiter, right, output)
            : new EvaluationItem(number, id, Problem: $"answer-not-among-choices {output}");
    }

    private IReadOnlyList<string>? Choices(TableRow row, ItemWords words, out string? missing)
    {
        missing = _task.ChoicesColumn;
        if (_task.ChoicesColumn is { } column) return row.Find(column) is { } joined ? TaskRow.ChoicesOf(joined) : null;
        var choices = new List<string>();
        foreach (var template in _task.Choices)
        {
            if (words.Fill(template, row, out missing) is not { } choice) return null;
            choices.Add(choice);
        }

        return choices;
    }

    private int? Right(string answer, IReadOnlyList<string> choices)
    {
        if (_task.Answers.Count == 0) return Index(choices, answer);
        for (var i = 0; i < _task.Answers.Count; i++)
        {
            if (_task.Answers[i].Split('|').Contains(answer.Trim(), StringComparer.Ordinal)) return i;
        }

        return null;
    }

    private static int? Index(IReadOnlyList<string> texts, string text)
    {
        for (var i = 0; i < texts.Count; i++)
        {
            if (texts[i] == text) return i;
        }

        return null;
    }

    private List<(long Row, string Text)> Drawn(List<TableRow> rows, string file, ItemWords words, Labels? labels)
    {
        var shots = new List<(long Row, string Text)>();
        foreach (var place in Order(rows.Count, "shots"))
        {
            if (shots.Count == _asked.Shots) return shots;
            var item = Item(rows[place], words, labels, "");
            if (item.Problem is null) shots.Add((rows[place].Number, item.Prompt + item.Delimiter + item.Reference + _task.Close));
        }

        if (shots.Count < _asked.Shots) throw new JobException($"tasks.{unit.Entry}.shots: {Place(file)} has {shots.Count} rows to draw from, not {_asked.Shots}.");
        return shots;
    }

    // The same rows in every language whose file has as many, and however the task is asked.
    private int[] Order(int rows, string what)
    {
        var order = Enumerable.Range(0, rows).ToArray();
        new DeterministicRandom((ulong)recipe.Seed, DeterministicRandom.SeedOf($"{what}/{_task.Name}/{unit.Dataset}/{unit.Template}")).Shuffle<int>(order);
        return order;
    }

    private async Task<Labels> LabelsAsync(List<TableRow> rows, CancellationToken ct)
    {
        var gold = _task.Choices;
        if (unit.Language != _asked.AlignWith)
        {
            var answers = rows.Select(row => row.Find(_task.Answer)).ToList();
            if (path(TaskUnit.FileOf(_asked.Files, _asked.AlignWith)) is not null)
            {
                var reference = await RowsAsync(TaskUnit.FileOf(_asked.Files, _asked.AlignWith), ct);
                gold = LabelSet.Derive(_task.Choices, [.. reference.Select(row => row.Find(_task.Answer) is { } answer ? unit.Words?.LabelOf(answer) ?? answer : null)], answers, Place(unit.File));
            }
            else
            {
                gold = _task.Locale(unit.Language)?.Labels is { Count: > 0 } labels ? labels
                    : unit.Words?.FindWords(unit.Language) is not null ? [.. _task.Choices.Select(label => unit.Words.LabelWord(label, unit.Language))]
                    : throw new JobException($"{Place(unit.File)}: its labels are not known. There is no {TaskUnit.FileOf(_asked.Files, _asked.AlignWith)} that it could be parallel to, and task {_task.Name} has none for {unit.Language}.");
            }
        }

        return new Labels(gold, _asked.Labels switch { LabelLanguage.English => _task.Choices, LabelLanguage.Words => _asked.LabelWords.Count > 0 ? _asked.LabelWords : unit.Words?.Unrelated ?? [], _ => gold });
    }

    private async Task<List<TableRow>> RowsAsync(string file, CancellationToken ct)
    {
        if (path(file) is not { } place) throw new JobException($"tasks.{unit.Entry}: there is no file {file}.");
        var rows = new List<TableRow>();
        await foreach (var row in TableReader.ReadAsync(place, Reading, ct)) rows.Add(row);
        return rows;
    }

    private string Place(string file) => $"tasks.{unit.Entry} ({unit.Name}), {file}";

    /// <summary>The labels of a file.</summary>
    /// <param name="Gold">Labels as the rows have them.</param>
    /// <param name="Shown">Labels as the model sees them.</param>
    private sealed record Labels(IReadOnlyList<string> Gold, IReadOnlyList<string> Shown);
}
