using XInstruct.Activities.Jobs;

namespace XInstruct.Activities.Evaluation;

/// <summary>
/// The labels of a language, found in its rows: a file that is parallel to the English one has, where that says "positive", its own word for it. So a label is
/// never a word that no row has.
/// </summary>
internal static class LabelSet
{
    /// <summary>The label for each of the English ones.</summary>
    /// <param name="english">The English labels.</param>
    /// <param name="reference">Answers of the rows of the English file; null where a row could not be read.</param>
    /// <param name="answers">Answers of the rows of the language's file.</param>
    /// <param name="file">Name of that file in errors.</param>
    /// <exception cref="JobException">The files are not parallel, or disagree about a label.</exception>
    public static IReadOnlyList<string> Derive(IReadOnlyList<string> english, IReadOnlyList<string?> reference, IReadOnlyList<string?> answers, string file)
    {
        if (reference.Count != answers.Count) throw new JobException($"{file} has {answers.Count} rows and the file it is to be parallel to {reference.Count}: labels cannot be found by their rows.");
        var labels = new (string Text, int Row)?[english.Count];
        for (var row = 0; row < answers.Count; row++)
        {
            if (reference[row] is not { } word || answers[row] is not { } answer) continue;
            var label = english.ToList().IndexOf(word);
            if (label < 0) throw new JobException($"Row {row + 1} of the file that {file} is parallel to has the answer '{word}', which is none of the task's labels: {string.Join(", ", english)}.");
            if (labels[label] is { } known && known.Text != answer)
                throw new JobException($"{file}: '{word}' is '{known.Text}' in row {known.Row} and '{answer}' in row {row + 1}. A label must be one word; the files are not parallel, or a row is wrong.");
            labels[label] ??= (answer, row + 1);
        }

        var missing = Array.FindIndex(labels, label => label is null);
        if (missing >= 0) throw new JobException($"{file}: no row says what '{english[missing]}' is there.");
        var texts = labels.Select(label => label!.Value.Text).ToList();
        if (texts.GroupBy(text => text, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new JobException($"{file}: '{twice.Key}' is the word for {string.Join(" and ", english.Where((_, i) => texts[i] == twice.Key))}: these labels cannot be told apart.");
        return texts;
    }
}
