using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Tasks;

/// <summary>Whether a task asks to understand (choose among answers) or to write.</summary>
public enum TaskKind
{
    Nlu,
    Nlg,
}

/// <summary>What stands in a data set's answer column.</summary>
public enum AnswerForm
{
    /// <summary>The answer, or a value that <see cref="RegistryDataset.Values"/> names.</summary>
    Text,

    /// <summary>The place of the right choice, from 0.</summary>
    Index,

    /// <summary>The same from 1.</summary>
    Number,
}

/// <summary>A task registry file: data sets with their clusters, licences, words and templates.</summary>
public sealed class TaskRegistry
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9_-]{0,59}$")]
    [Description("Name of the registry.")]
    public string Name { get; set; } = "";

    [Description("Task clusters: what their data sets have in common. A data set's own values come first.")]
    public IReadOnlyList<RegistryCluster> Clusters { get; set; } = [];

    [Description("Data sets.")]
    public IReadOnlyList<RegistryDataset> Datasets { get; set; } = [];
}

/// <summary>A cluster of tasks, held out as a whole.</summary>
public sealed class RegistryCluster
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9_]{0,59}$")]
    [Description("Name, as in KORANI's folders.")]
    public string Name { get; set; } = "";

    [Description("Name as people write it.")]
    public string Title { get; set; } = "";

    [Description("Understanding (nlu: answers are chosen) or writing (nlg).")]
    public TaskKind Kind { get; set; }

    [Description("Parts of a row that prompts use.")]
    public IReadOnlyList<string> Fields { get; set; } = [];

    [Description("Answers that can be chosen, by their English names.")]
    public IReadOnlyList<string> Labels { get; set; } = [];

    [Description("Words of the labels in each language.")]
    public IReadOnlyList<TaskLanguage> Languages { get; set; } = [];

    [Description("Prompts.")]
    public IReadOnlyList<TaskTemplate> Templates { get; set; } = [];
}

/// <summary>A data set of a task.</summary>
public sealed class RegistryDataset
{
    [Required, RegularExpression("^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
    [Description("Name, as in a dataset_name column.")]
    public string Name { get; set; } = "";

    [Description("Name as people write it.")]
    public string Title { get; set; } = "";

    [Required]
    [Description("Cluster that it is held out with.")]
    public string Cluster { get; set; } = "";

    [Description("Understanding or writing; default: what its cluster is.")]
    public TaskKind? Kind { get; set; }

    [Description("Licence: SPDX identifier, the owner's name for it, or unknown.")]
    public string Licence { get; set; } = Tasks.Licence.Unknown;

    [Description("Whether the licence allows commercial use; default: what its name says, if it is well known.")]
    public bool? Commercial { get; set; }

    [Description("Whether the licence allows passing on derivatives; default as above.")]
    public bool? Derivatives { get; set; }

    [Description("Where it comes from.")]
    public string? Link { get; set; }

    [Description("Language of its rows; null when it has several.")]
    public string? Lang { get; set; }

    [Description("Parts of a row that prompts use; default: its cluster's.")]
    public IReadOnlyList<string> Fields { get; set; } = [];

    [Description("Columns of the fields in its files, where they are called otherwise: { text: document }.")]
    public IReadOnlyDictionary<string, string> Columns { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Column of the right answer.")]
    public string Answer { get; set; } = "answer";

    [Description("What stands in that column: text, or the place of the right choice, index from 0, number from 1.")]
    public AnswerForm AnswerIs { get; set; }

    [Description("Labels by what stands in that column: { \"0\": negative }.")]
    public IReadOnlyDictionary<string, string> Values { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Answers that can be chosen, by their English names; default: its cluster's.")]
    public IReadOnlyList<string> Labels { get; set; } = [];

    [Description("Column of a row's own choices, joined by |||.")]
    public string? Choices { get; set; }

    [Description("Column of the row's id; default: the row's number.")]
    public string? Id { get; set; }

    [Description("Words that have nothing to do with the labels, in the labels' order.")]
    public IReadOnlyList<string> Unrelated { get; set; } = [];

    [Description("Field words, label words and few-shot lines in each language.")]
    public IReadOnlyList<TaskLanguage> Languages { get; set; } = [];

    [Description("Prompts; default: its cluster's.")]
    public IReadOnlyList<TaskTemplate> Templates { get; set; } = [];
}

/// <summary>The words of a task in one language.</summary>
public sealed class TaskLanguage
{
    [Required]
    [Description("ISO 639 code.")]
    public string Lang { get; set; } = "";

    [Description("Word of each field, and under answer that of the answer.")]
    public IReadOnlyDictionary<string, string> Words { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Word of each label.")]
    public IReadOnlyDictionary<string, string> Labels { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Few-shot lines.")]
    public IReadOnlyList<TaskShot> Shots { get; set; } = [];
}

/// <summary>A worked example.</summary>
public sealed class TaskShot
{
    [Required]
    [Description("Text of each field.")]
    public IReadOnlyDictionary<string, string> Fields { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Required]
    [Description("Label, by its English name.")]
    public string Answer { get; set; } = "";
}

/// <summary>A prompt.</summary>
public sealed class TaskTemplate
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9_-]{0,59}$")]
    [Description("Name, once in its data set.")]
    public string Name { get; set; } = "";

    [Required]
    [Description("Language of its words.")]
    public string Lang { get; set; } = "";

    [Description("Language whose templates it is formed after; default: its own. A row's native template has the row's language in both, its aligned one its language in lang only.")]
    public string? Format { get; set; }

    [Required]
    [Description("The prompt: fields stand in braces, {choices} are the choices with commas, {options} a line each.")]
    public string Input { get; set; } = "";

    [Description("The answer: {answer}, and fields.")]
    public string Output { get; set; } = "{answer}";

    [Description("Choices, separated by |||; fields may stand in braces. Default: the labels' words, or the row's own.")]
    public string? Choices { get; set; }

    [Description("Words of the labels in this template, where they are not the language's: { positive: \"Yes\" }.")]
    public IReadOnlyDictionary<string, string> Answers { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
