using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Evaluation;

/// <summary>How a task is answered.</summary>
public enum TaskForm
{
    /// <summary>Rank classification: the choice with the highest log-likelihood after the prompt.</summary>
    Choice,

    /// <summary>Constrained decoding: the label whose beginnings have most probability as the next token.</summary>
    Label,

    /// <summary>Greedy generation, compared with the right answer.</summary>
    Generate,

    /// <summary>How surprised the model is by a text.</summary>
    Perplexity,

    /// <summary>KORANI's layout of prompted rows: those with choices are ranked, the others generated.</summary>
    Prompted,
}

/// <summary>The YAML file of a task: what is asked, what counts as right, and in which words.</summary>
public sealed class EvaluationTask
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,39}$")]
    [Description("Lower-case name of the task in every table.")]
    public string Name { get; set; } = "";

    [Description("What the task asks for, in a sentence.")]
    public string Description { get; set; } = "";

    [Description("How it is answered: by the likeliest choice (rank classification), by the next token (label: constrained decoding), by generated text, by how likely the text itself is (perplexity), or as each row of KORANI's layout says (prompted).")]
    public TaskForm Form { get; set; }

    [Description("What the model reads, with slots for columns and words, e.g. '{question} {answerWord}: '. For perplexity: the text.")]
    public string Prompt { get; set; } = "{input}";

    [Description("Data set of a task registry whose words make the prompt instead, with its labels and examples: sentiment, snli, paws or one of your own.")]
    public string? Words { get; set; }

    [Description("What stands between two examples, and between them and the question.")]
    public string Separator { get; set; } = "\n\n";

    [Description("What stands between the prompt and a choice or the answer.")]
    public string Delimiter { get; set; } = " ";

    [Description("What follows the answer in an example, e.g. a closing quote.")]
    public string Close { get; set; } = "";

    [Description("Column of the right answer.")]
    public string Answer { get; set; } = "answer";

    [Description("The choices, with slots as in the prompt; of labels their English names, as the answers have them.")]
    public IReadOnlyList<string> Choices { get; set; } = [];

    [Description("Column of the choices where each row has its own, divided by |||.")]
    public string? ChoicesColumn { get; set; }

    [Description("What the answer column holds for each choice, in their order; several spellings are divided by |. Default: the text of the choice.")]
    public IReadOnlyList<string> Answers { get; set; } = [];

    [Description("Column that numbers the rows. Default: the row's number.")]
    public string? Id { get; set; }

    [Description("By what a choice's log-likelihood is divided.")]
    public Metrics.ChoiceNormalization Normalization { get; set; }

    [Description("What is counted; the first is the one in tables.")]
    public IReadOnlyList<string> Measures { get; set; } = [];

    [Range(1, 4096)]
    [Description("New tokens of a generated answer, at most.")]
    public int MaxNewTokens { get; set; } = 256;

    [Description("Texts that end a generated answer.")]
    public IReadOnlyList<string> Stop { get; set; } = [];

    [Description("What the task belongs to in means over clusters. Default: it is its own.")]
    public string? Cluster { get; set; }

    [Description("The words of each language.")]
    public IReadOnlyList<TaskLocale> Locales { get; set; } = [];

    /// <summary>The words of a language; null when there are none.</summary>
    public TaskLocale? Locale(string language) => Locales.FirstOrDefault(locale => locale.Language == language);
}

/// <summary>A task in one language.</summary>
public sealed class TaskLocale
{
    [Required]
    [Description("Code of the language.")]
    public string Language { get; set; } = "";

    [Description("Words for the slots of prompt and choices.")]
    public IReadOnlyDictionary<string, string> Words { get; set; } = new Dictionary<string, string>();

    [Description("Values of columns in other words: 'question.cause' says what {question} becomes where the column has cause.")]
    public IReadOnlyDictionary<string, string> Values { get; set; } = new Dictionary<string, string>();

    [Description("The labels, in the order of the choices.")]
    public IReadOnlyList<string> Labels { get; set; } = [];

    [Description("Examples that stand before every question, as they are.")]
    public IReadOnlyList<string> Shots { get; set; } = [];
}
