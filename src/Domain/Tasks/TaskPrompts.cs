using System.Globalization;
using System.Runtime.CompilerServices;
using XInstruct.Domain.Prompts;

namespace XInstruct.Domain.Tasks;

/// <summary>Which of a data set's templates are used, seen from the language of its rows.</summary>
public enum TemplateStyle
{
    /// <summary>In the language of the rows, formed after that language's templates.</summary>
    Native,

    /// <summary>In another language.</summary>
    Other,

    /// <summary>In the language of the rows, formed after another language's templates.</summary>
    Aligned,
}

/// <summary>A row as a prompt and its answer.</summary>
/// <param name="Input">Prompt.</param>
/// <param name="Output">Answer.</param>
/// <param name="Choices">What may be answered; empty when that is free.</param>
/// <param name="Template">Name of the template.</param>
public sealed record PromptedRow(string Input, string Output, IReadOnlyList<string> Choices, string Template);

/// <summary>Why a row can't be a prompt.</summary>
/// <param name="Reason">In kebab-case: column-missing, answer-missing, answer-unknown, answer-not-a-choice.</param>
/// <param name="Detail">What shows it.</param>
public sealed record PromptProblem(string Reason, string Detail);

/// <summary>Turns rows of data sets into prompts by their templates.</summary>
public static class TaskPrompts
{
    private static readonly ConditionalWeakTable<string, PromptTemplate> Parsed = [];

    /// <summary>The templates of a style. A template serves a language whatever its script and region.</summary>
    /// <param name="dataset">Data set.</param>
    /// <param name="language">Language of the rows.</param>
    /// <param name="style">Style.</param>
    public static IReadOnlyList<TaskTemplate> Of(TaskDataset dataset, string language, TemplateStyle style)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        return [.. dataset.Templates.Where(template =>
        {
            var (own, format) = (Primary(template.Lang).SequenceEqual(Primary(language)), (template.Format ?? template.Lang) == template.Lang);
            return style switch { TemplateStyle.Native => own && format, TemplateStyle.Aligned => own && !format, _ => !own && format };
        })];
    }

    /// <summary>The columns that a row must have.</summary>
    /// <param name="dataset">Data set of the row.</param>
    /// <param name="columns">Columns of fields that are called otherwise in this file.</param>
    public static IEnumerable<string> Columns(TaskDataset dataset, IReadOnlyDictionary<string, string> columns)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(columns);
        return [.. dataset.Fields.Select(field => columns.GetValueOrDefault(field) ?? dataset.ColumnOf(field)), columns.GetValueOrDefault("answer") ?? dataset.AnswerColumn];
    }

    /// <summary>Fills a template with a row.</summary>
    /// <param name="dataset">Data set of the row.</param>
    /// <param name="template">One of its templates.</param>
    /// <param name="column">Value of a column; null when the row has none.</param>
    /// <param name="columns">Columns of fields that are called otherwise in this file; they come before the data set's.</param>
    /// <returns>The prompt, or why there is none.</returns>
    public static (PromptedRow? Row, PromptProblem? Problem) Fill(TaskDataset dataset, TaskTemplate template, Func<string, string?> column, IReadOnlyDictionary<string, string>? columns = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(column);
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in dataset.Fields)
        {
            var name = columns?.GetValueOrDefault(field) ?? dataset.ColumnOf(field);
            if (column(name) is not { } text) return (null, new PromptProblem("column-missing", name));
            values[field] = text.Trim();
        }

        var answerColumn = columns?.GetValueOrDefault("answer") ?? dataset.AnswerColumn;
        if (column(answerColumn)?.Trim() is not { Length: > 0 } raw) return (null, new PromptProblem("answer-missing", answerColumn));
        IReadOnlyList<string> choices = template.Choices is { } written
            ? [.. TaskRow.ChoicesOf(written).Select(choice => Parse(choice).Fill(values))]
            : dataset.Labels.Count > 0
                ? [.. dataset.Labels.Select(Word)]
                : TaskRow.ChoicesOf(dataset.ChoicesColumn is { } own ? column(columns?.GetValueOrDefault("choices") ?? own) ?? "" : "");
        var (answer, problem) = Answer();
        if (problem is not null) return (null, problem);
        values["choices"] = string.Join(", ", choices);
        values["options"] = string.Join('\n', choices.Select(choice => $"- {choice}"));
        values["answer"] = answer!;
        return (new PromptedRow(Parse(template.Input).Fill(values), Parse(template.Output).Fill(values), choices, template.Name), null);

        string Word(string label) => template.Answers.GetValueOrDefault(label) ?? dataset.LabelWord(label, template.Lang);

        (string?, PromptProblem?) Answer()
        {
            if (dataset.AnswerIs != AnswerForm.Text)
            {
                // A spreadsheet may have made 1.0 of 1.
                var isNumber = double.TryParse(raw, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && Math.Floor(number) == number;
                var index = number - (dataset.AnswerIs == AnswerForm.Number ? 1 : 0);
                return isNumber && index >= 0 && index < choices.Count ? (choices[(int)index], null) : (null, new PromptProblem("answer-unknown", raw));
            }

            if (dataset.Labels.Count > 0)
            {
                var label = dataset.LabelOf(raw);
                if (!dataset.Labels.Contains(label, StringComparer.Ordinal)) return (null, new PromptProblem("answer-unknown", raw));
                if (template.Choices is null) return (Word(label), null);
                raw = Word(label);
            }

            return choices.Count == 0 || choices.Contains(raw, StringComparer.Ordinal) ? (raw, null) : (null, new PromptProblem("answer-not-a-choice", raw));
        }
    }

    // ko of ko-KR.
    private static ReadOnlySpan<char> Primary(string language) => language.AsSpan(0, language.IndexOf('-', StringComparison.Ordinal) is > 0 and var end ? end : language.Length);

    private static PromptTemplate Parse(string template) => Parsed.GetValue(template, PromptTemplate.Parse);
}
