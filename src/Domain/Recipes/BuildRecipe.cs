using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using XInstruct.Domain.Tasks;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct build</c>: instruction data from supervised data sets. One of <see cref="Multitask"/>, <see cref="Mix"/> and <see cref="QuestionTranslation"/> says which.</summary>
public sealed class BuildRecipe : JobRecipe
{
    [Description("Task registries that ship: korani, korani-en, lml. Default: korani and korani-en; for questionTranslation lml.")]
    public IReadOnlyList<string> Registries { get; set; } = [];

    [InputPath(InputKind.File)]
    [Description("Task registry files of your own (docs/tasks.md).")]
    public IReadOnlyList<string> RegistryFiles { get; set; } = [];

    [Description("Tables of supervised data, for multitask and mix.")]
    public IReadOnlyList<BuildSource> Sources { get; set; } = [];

    [Description("Rows of data sets as {instruction, output} by their templates.")]
    public MultitaskOptions? Multitask { get; set; }

    [Description("Cross-lingual mixes in KORANI's layout: a seeded sample of each data set, held-out clusters kept out.")]
    public MixOptions? Mix { get; set; }

    [Description("Prompts to be translated, without their answers.")]
    public QuestionTranslationOptions? QuestionTranslation { get; set; }

    [Description("Which sources' licences are accepted.")]
    public LicenceOptions Licences { get; set; } = new();

    [Description("Compare what is trained on with evaluation sets.")]
    public DecontaminationOptions? Decontaminate { get; set; }

    [Description("Drop rows that mean what an earlier row means.")]
    public SemanticOptions? SemanticDedup { get; set; }

    [Range(1_000, 100_000_000)]
    [Description("Bytes of the longest row; a longer one is rejected.")]
    public int MaxRowBytes { get; set; } = 4_000_000;

    /// <summary>The shipped registries that are read.</summary>
    public IReadOnlyList<string> ShippedRegistries() => Registries.Count > 0 ? Registries : QuestionTranslation is not null ? ["lml"] : ["korani", "korani-en"];
}

/// <summary>What rows are for.</summary>
public enum DataSplit
{
    Train,
    Dev,
    Test,
}

/// <summary>A table of a data set, or of rows that are prompts already.</summary>
public sealed class BuildSource
{
    [InputPath(InputKind.File)]
    [Description("JSONL, a JSON array, CSV or Parquet, plain or gzip. Relative to the recipe.")]
    public string? Path { get; set; }

    [InputPath(InputKind.Folder)]
    [Description("Instead: a folder in KORANI's layout, <cluster>/<data set>/train.csv, test_….csv. Files with 'train' in their names are trained on, those with 'dev' or 'valid' are dev, all others test.")]
    public string? Folder { get; set; }

    [Description("Data set of the rows, which its templates make prompts of. Without it the rows are prompts already: columns input, output, choices, dataset_name, id.")]
    public string? Dataset { get; set; }

    [Description("What reports call the source. Default: its data set.")]
    public string? Name { get; set; }

    [Description("Language of the rows; default: its data set's.")]
    public string? Lang { get; set; }

    [Description("What the rows are for. Of a folder its files say it.")]
    public DataSplit Split { get; set; }

    [Description("Of prompts: the style of their templates; they are then used for such mixes only. Default: for all.")]
    public TemplateStyle? Style { get; set; }

    [Description("Columns of fields, answer, choices and id that are called otherwise in this file: { text: document, answer: label }.")]
    public IReadOnlyDictionary<string, string> Columns { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>How many of a style's templates a row goes through.</summary>
public enum TemplateUse
{
    /// <summary>One, drawn for each row.</summary>
    One,

    /// <summary>Each: as many rows.</summary>
    All,
}

/// <summary>Multi-task conversion, as komt's.</summary>
public sealed class MultitaskOptions
{
    [Description("Which templates: native, other (language) or aligned (in form with another language's).")]
    public TemplateStyle Template { get; set; }

    [Description("One template for each row, drawn by the seed, or all.")]
    public TemplateUse Templates { get; set; }

    [Range(0, 100_000_000)]
    [Description("Rows of each data set, drawn by the seed; 0: all.")]
    public int PerDataset { get; set; }
}

/// <summary>Mixes of data sets, as KORANI's.</summary>
public sealed class MixOptions
{
    [MinLength(1)]
    [Description("The mixes: a folder each. All have the same rows, as far as languages are the same.")]
    public IReadOnlyList<MixSetting> Settings { get; set; } = [new()];

    [Range(1, 100_000_000)]
    [Description("Rows of each data set to train on, drawn by the seed.")]
    public int PerDataset { get; set; } = 1000;

    [Range(0, 100_000_000)]
    [Description("Rows of each data set's dev split; 0: all.")]
    public int DevPerDataset { get; set; } = 200;

    [Range(0, 100_000_000)]
    [Description("Rows of each data set's test split; 0: all.")]
    public int TestPerDataset { get; set; }

    [Description("Clusters that are held out as a whole: rows of them may be test rows only.")]
    public IReadOnlyList<string> HoldOut { get; set; } = [];

    [Description("One template for each row, drawn by the seed, or all. Test rows go through all of them.")]
    public TemplateUse Templates { get; set; }
}

/// <summary>One mix of the grid: languages of training × templates.</summary>
public sealed class MixSetting
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,39}$")]
    [Description("Name of the mix, and of its folder.")]
    public string Name { get; set; } = "mix";

    [Description("Languages whose rows are trained on, e.g. [en, ko]. Empty: all.")]
    public IReadOnlyList<string> Train { get; set; } = [];

    [Description("Which templates: native, other (language) or aligned (in form with another language's).")]
    public TemplateStyle Template { get; set; }
}

/// <summary>How the directions of question translation follow each other.</summary>
public enum DirectionOrder
{
    /// <summary>One after the other, as published.</summary>
    Concatenated,

    /// <summary>In turn.</summary>
    Interleaved,

    /// <summary>By lot.</summary>
    Shuffled,
}

/// <summary>Question translation.</summary>
public sealed class QuestionTranslationOptions
{
    [Required]
    [Description("The task whose prompts are translated: snli, paws, sentiment, or one of a registry of yours.")]
    public string Task { get; set; } = "";

    [MinLength(2)]
    [Description("The task's rows in each language; row n of one is row n of the others.")]
    public IReadOnlyList<TranslationFile> Files { get; set; } = [];

    [MinLength(1)]
    [Description("From which language to which, e.g. [zh-en, de-en, en-sw].")]
    public IReadOnlyList<string> Directions { get; set; } = [];

    [Range(0, 100_000_000)]
    [Description("Rows of each direction, from the first on; 0: all.")]
    public int Rows { get; set; }

    [Description("How the directions follow each other.")]
    public DirectionOrder Order { get; set; }

    [Description("The line that asks for the translation; {from} and {to} are English names of the languages.")]
    public string Line { get; set; } = Tasks.QuestionTranslation.Line;

    /// <summary>The two codes of a direction; null when it is none. Both may have subtags: zh-Hant-en.</summary>
    public (string From, string To)? Codes(string direction)
    {
        ArgumentNullException.ThrowIfNull(direction);
        foreach (var from in Files.Select(file => file.Lang))
        {
            if (direction.StartsWith(from + "-", StringComparison.Ordinal) && Files.Any(file => file.Lang == direction[(from.Length + 1)..])) return (from, direction[(from.Length + 1)..]);
        }

        return null;
    }
}

/// <summary>Rows of a task in one language.</summary>
public sealed class TranslationFile
{
    [Required]
    [Description("ISO 639 code.")]
    public string Lang { get; set; } = "";

    [Required, InputPath(InputKind.File)]
    [Description("JSONL, a JSON array, CSV or Parquet.")]
    public string Path { get; set; } = "";

    [Description("Columns of fields that are called otherwise: { premise: s1 }.")]
    public IReadOnlyDictionary<string, string> Columns { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>What is done with what one does not want.</summary>
public enum RefusedAction
{
    /// <summary>The job ends with an error that names it.</summary>
    Error,

    /// <summary>It is left out, and counted.</summary>
    Drop,
}

/// <summary>Which licences are accepted.</summary>
public sealed class LicenceOptions
{
    [Description("Refuse sources that forbid commercial use.")]
    public bool Commercial { get; set; }

    [Description("Refuse sources that forbid passing on what is made of them.")]
    public bool Derivatives { get; set; }

    [Description("Refuse sources of which nobody says what they allow, as far as it is asked for above.")]
    public bool Known { get; set; }

    [Description("error: the job ends and names the source; drop: its rows are left out and counted.")]
    public RefusedAction Action { get; set; }
}

/// <summary>What is done with a row that is in an evaluation set.</summary>
public enum OverlapAction
{
    Drop,
    Report,
}

/// <summary>Decontamination.</summary>
public sealed class DecontaminationOptions
{
    [MinLength(1)]
    [Description("Evaluation sets.")]
    public IReadOnlyList<EvaluationTable> Against { get; set; } = [];

    [Range(2, 64)]
    [Description("Words of a shared run; in scripts without spaces characters.")]
    public int Ngram { get; set; } = 13;

    [Range(2, 64)]
    [Description("A part of an evaluation row that is shorter than a run is looked for as a whole, if it has so many words.")]
    public int Shortest { get; set; } = 8;

    [Range(0.0, 1.0)]
    [Description("Share of an evaluation row's runs that must be shared; 0: one run is enough.")]
    public double Share { get; set; }

    [Description("drop: such rows are left out; report: they stay, and overlaps.csv names them.")]
    public OverlapAction Action { get; set; }
}

/// <summary>An evaluation set.</summary>
public sealed class EvaluationTable
{
    [Required, RegularExpression("^[A-Za-z0-9][A-Za-z0-9_. -]{0,59}$")]
    [Description("What reports call it.")]
    public string Name { get; set; } = "";

    [Required, InputPath(InputKind.File)]
    [Description("JSONL, a JSON array, CSV or Parquet, plain or gzip.")]
    public string Path { get; set; } = "";

    [MinLength(1)]
    [Description("Columns that are compared, each by itself.")]
    public IReadOnlyList<string> Columns { get; set; } = [];
}

/// <summary>What of a row is embedded.</summary>
public enum SemanticPart
{
    Input,
    Both,
}

/// <summary>Semantic deduplication: a row to train on that means what an earlier one means is left out.</summary>
public sealed class SemanticOptions
{
    [Range(0.0, 1.0)]
    [Description("Cosine from which two rows mean the same.")]
    public double Threshold { get; set; } = 0.95;

    [Description("What is embedded: the prompt (input), or prompt and answer (both).")]
    public SemanticPart Of { get; set; }

    [Description("Where the model runs; auto is cuda where there is one.")]
    public ComputeDevice Device { get; set; }

    [Description("The vectors: of an encoder or a model. They are always scaled to length 1.")]
    public CurationVectors Vectors { get; set; } = new();
}
