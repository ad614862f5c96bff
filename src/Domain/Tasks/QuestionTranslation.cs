using XInstruct.Domain.Languages;
using XInstruct.Domain.Prompts;

namespace XInstruct.Domain.Tasks;

/// <summary>
/// Question translation (methods of arXiv 2405.13816): a model learns to translate a task's prompt and never sees an answer. The input is the prompt in one language up
/// to its open quote and a line that asks for the translation; the answer is the same row's prompt in the other, up to its open quote.
/// </summary>
public static class QuestionTranslation
{
    /// <summary>The line of the published data. Slots: {from} and {to}, English names of the languages.</summary>
    public const string Line = "Translate the input from {from} to {to}:";

    /// <summary>The pair of one row.</summary>
    /// <param name="task">Its task.</param>
    /// <param name="from">Language of the input.</param>
    /// <param name="to">Language of the answer.</param>
    /// <param name="source">The row's fields in the former.</param>
    /// <param name="target">Its fields in the latter.</param>
    /// <param name="line">The line that asks; <see cref="Line"/> or a user's own.</param>
    /// <exception cref="TaskRegistryException">The registry has no words of a language.</exception>
    public static (string Input, string Answer) Of(
        TaskDataset task,
        Language from,
        Language to,
        IReadOnlyDictionary<string, string> source,
        IReadOnlyDictionary<string, string> target,
        PromptTemplate line)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(line);
        var names = new Dictionary<string, string>(StringComparer.Ordinal) { ["from"] = from.EnglishName, ["to"] = to.EnglishName };
        return ($"{task.WordPrompt(from.Code, source)}\n{line.Fill(names)}\n", task.WordPrompt(to.Code, target));
    }
}
