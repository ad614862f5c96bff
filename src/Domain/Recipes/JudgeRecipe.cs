using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct judge</c>: answers of models to the same questions, who judges them, and how.</summary>
public sealed class JudgeRecipe : ModelJobRecipe
{
    [Description("pairwise: two answers to a question, 0 to 10 each, in both orders. single: one answer, 1 to 5. additive: one answer, a point for each of five criteria.")]
    public JudgeForm Form { get; set; }

    [Description("The questions. With no file the answers' own column text is the question.")]
    public IReadOnlyList<QuestionOptions> Questions { get; set; } = [];

    [Description("The answers, a file for each model and language. Questions and answers are joined by their id.")]
    public IReadOnlyList<AnswerOptions> Answers { get; set; } = [];

    [Description("Model that every other one is compared with; without it all are compared with all. Only of pairwise.")]
    public string? Baseline { get; set; }

    [Description("Who judges.")]
    public IReadOnlyList<JudgeOptions> Judges { get; set; } = [];

    [Description("Files that are judged already, a row an answer with the judge's reply: they are counted with the rest. Only of single and additive.")]
    public IReadOnlyList<JudgedOptions> Judged { get; set; } = [];

    [Description("Scores that were published, by model: the report says where they differ from what the files give.")]
    public IReadOnlyDictionary<string, string> Published { get; set; } = new SortedDictionary<string, string>(StringComparer.Ordinal);

    [Description("Read single replies as komt's published table does: the whole reply must be a digit, with or without 'Score:'; what cannot be read counts 0.")]
    public bool Compat { get; set; }

    [Range(1, 8192)]
    [Description("Tokens of a judge's reply, at most.")]
    public int MaxTokens { get; set; } = 512;

    [Range(1, 100_000)]
    [Description("Judgments of one part: what a killed worker begins again. Of an endpoint only calls under way are made again.")]
    public int PartSize { get; set; } = 32;
}

/// <summary>Ways to judge.</summary>
public enum JudgeForm
{
    Pairwise,
    Single,
    Additive,
}

/// <summary>A file of questions.</summary>
public sealed class QuestionOptions
{
    [Required]
    [InputPath(InputKind.File)]
    [Description("JSONL, JSON, CSV or Parquet.")]
    public string Path { get; set; } = "";

    [Description("Language of the questions; without one they serve all languages.")]
    public string? Language { get; set; }

    [Description("Column with the question's id.")]
    public string Id { get; set; } = "question_id";

    [Description("Column with the question.")]
    public string Text { get; set; } = "text";

    [Description("Column with its category, if it has one.")]
    public string Category { get; set; } = "category";
}

/// <summary>A file of one model's answers in one language.</summary>
public sealed class AnswerOptions
{
    [Required, RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    [Description("Name of the model.")]
    public string Model { get; set; } = "";

    [Required]
    [InputPath(InputKind.File)]
    [Description("JSONL, JSON, CSV or Parquet.")]
    public string Path { get; set; } = "";

    [Description("Language of the answers, e.g. fi.")]
    public string? Language { get; set; }

    [Description("Column with the question's id.")]
    public string Id { get; set; } = "question_id";

    [Description("Column with the question, where no file of questions has it.")]
    public string Text { get; set; } = "text";

    [Description("Column with its category, likewise.")]
    public string Category { get; set; } = "category";

    [Description("Column with the answer. Where a row has it three times, as output-1 to output-3, one is picked.")]
    public string Output { get; set; } = "output";

    [Description("Which of three: the shortest or the longest.")]
    public AnswerPick Pick { get; set; }
}

/// <summary>Which of three answers is judged.</summary>
public enum AnswerPick
{
    Shortest,
    Longest,
}

/// <summary>A judge.</summary>
public sealed class JudgeOptions : JobModelOptions
{
    [InputPath(InputKind.File)]
    [Description("Rubric: a template with the slots question, language and, of pairwise, answer1 and answer2, else answer. Default: the one that ships with XInstruct for the form.")]
    public string? Prompt { get; set; }

    [Description("System message.")]
    public string System { get; set; } = "You are a strict, fair judge of answers in many languages.";
}

/// <summary>A file of one model's judged answers.</summary>
public sealed class JudgedOptions
{
    [Required, RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    [Description("Name of the model.")]
    public string Model { get; set; } = "";

    [Required, RegularExpression(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    [Description("Name of the judge.")]
    public string Judge { get; set; } = "";

    [Required]
    [InputPath(InputKind.File)]
    [Description("JSONL, JSON, CSV or Parquet.")]
    public string Path { get; set; } = "";

    [Description("Language of the answers.")]
    public string? Language { get; set; }

    [Description("Column with the question's id.")]
    public string Id { get; set; } = "id";

    [Description("Column with the judge's reply.")]
    public string Reply { get; set; } = "chatgpt";

    [Description("Column with the score that was read of it then; differences are reported.")]
    public string Score { get; set; } = "score";
}
