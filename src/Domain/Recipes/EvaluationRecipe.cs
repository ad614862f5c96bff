using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct evaluate</c>: which models are asked what, in which languages.</summary>
public sealed class EvaluationRecipe : ModelJobRecipe
{
    [Required, MinLength(1)]
    [Description("The models.")]
    public IReadOnlyList<EvaluatedModel> Models { get; set; } = [];

    [Description("Name of the model that the others are compared with. Default: the first.")]
    public string? Baseline { get; set; }

    [Required, MinLength(1)]
    [Description("The tasks.")]
    public IReadOnlyList<EvaluatedTask> Tasks { get; set; } = [];

    [Required, MinLength(1)]
    [Description("Codes of the languages; a task may name its own.")]
    public IReadOnlyList<string> Languages { get; set; } = [];

    [Description("Languages that the models were tuned in: means of these and of the others are told apart.")]
    public IReadOnlyList<string> Seen { get; set; } = [];

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [InputPath(InputKind.Folder)]
    [Description("Folder of a compiled Korean dictionary of MeCab, e.g. mecab-ko-dic: ROUGE and F1 then count the morphemes of Korean texts, and workers need the program mecab. Default: characters.")]
    public string? KoreanDictionary { get; set; }

    [Range(1, 100_000)]
    [Description("Items of a part of the work: what is lost when a machine dies. Batches do not go beyond it.")]
    public int Window { get; set; } = 100;

    [Range(1, 1 << 24)]
    [Description("Rows times longest row of a batch, at most.")]
    public int BatchTokens { get; set; } = 4096;

    [Range(10, 100_000)]
    [Description("Resamples of the bootstrap and of the randomisation test.")]
    public int Resamples { get; set; } = 1000;

    [Range(0, 1000)]
    [Description("Items in the report that a model got most wrong.")]
    public int Examples { get; set; } = 12;
}

/// <summary>A model that is evaluated. One behind an endpoint has no log-probabilities of texts that are given to it: it gets tasks whose answers are generated, and chooses by its likeliest first tokens where it tells them.</summary>
public sealed class EvaluatedModel : JobModelOptions
{
    [Description("What the system says first in a chat.")]
    public string? System { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    [Range(2, 100)]
    [Description("Of a model behind an endpoint that tells log-probabilities: how many of the likeliest first tokens it tells (top_logprobs; 20 at api.openai.com). With it tasks with choices and labels can be given to it.")]
    public int? TopLogProbabilities { get; set; }
}

/// <summary>The labels that a model chooses from.</summary>
public enum LabelLanguage
{
    /// <summary>Those of the item's language.</summary>
    Native,

    /// <summary>The English ones.</summary>
    English,

    /// <summary>Words of the recipe, which need mean nothing.</summary>
    Words,
}

/// <summary>A task that models are given.</summary>
public sealed class EvaluatedTask
{
    [RegularExpression(@"^[a-z0-9][a-z0-9-]{0,39}\z")]
    [Description("Name in tables, where one task is asked in several ways, e.g. with labels in English. Default: the task's own.")]
    public string? Name { get; set; }

    [Description("Name of a task that ships with XInstruct, e.g. xcopa; an unknown one is answered with all of them.")]
    public string? Task { get; set; }

    [InputPath(InputKind.File)]
    [Description("A task file of your own instead.")]
    public string? Definition { get; set; }

    [InputPath(InputKind.File)]
    [Description("A task registry of your own, with words for the task in more languages.")]
    public string? Registry { get; set; }

    [Required, InputPath(InputKind.Folder)]
    [Description("Folder with the task's files.")]
    public string Data { get; set; } = "";

    [Description("Name of the file in the folder, with {lang} where each language has one. Of a prompted task in KORANI's layout it is not needed.")]
    public string Files { get; set; } = "";

    [Description("Languages of this task. Default: those of the recipe.")]
    public IReadOnlyList<string> Languages { get; set; } = [];

    [Description("The language whose file the others are parallel to, row by row: labels are found by that.")]
    public string AlignWith { get; set; } = "en";

    [Description("Labels of a label task: native, english, or words.")]
    public LabelLanguage Labels { get; set; }

    [Description("The words of 'labels: words', in the order of the task's choices, e.g. [ox, horse]. Default: those of the registry.")]
    public IReadOnlyList<string> LabelWords { get; set; } = [];

    [Range(0, 100)]
    [Description("Examples drawn from the file before each question; a task file's own come first.")]
    public int Shots { get; set; }

    [Description("Name of the file that examples are drawn from, with {lang}. Default: the task's own; its rows are then not asked.")]
    public string? ShotFiles { get; set; }

    [Range(1, int.MaxValue)]
    [Description("Rows to ask, drawn by the seed; the same rows in every language. Default: all.")]
    public int? Limit { get; set; }

    [Description("Clusters of KORANI's layout to evaluate. With targetDataset: both together. Default: all there are.")]
    public IReadOnlyList<string> TargetCluster { get; set; } = [];

    [Description("Data sets of KORANI's layout to evaluate.")]
    public IReadOnlyList<string> TargetDataset { get; set; } = [];
}
