using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using XInstruct.Domain.Curation;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct curate</c>: which instruction data is merged, and how a small part of it is chosen (KoQuality).</summary>
public sealed class CurationRecipe : JobRecipe
{
    [Description("Where the models run; auto is cuda where there is one.")]
    public ComputeDevice Device { get; set; }

    [MinLength(1)]
    [Description("What is merged, in this order.")]
    public IReadOnlyList<CurationSource> Sources { get; set; } = [];

    [Description("Keep only the first of rows with the same instruction and output. They are counted either way.")]
    public bool DropDuplicates { get; set; }

    [Range(1_000, 100_000_000)]
    [Description("Bytes of the longest row; a longer one is rejected.")]
    public int MaxRowBytes { get; set; } = 1_000_000;

    [Description("How surprising an instruction is.")]
    public CurationPerplexity Perplexity { get; set; } = new();

    [Range(1, 10_000)]
    [Description("Groups of instructions of similar length; each is clustered by itself.")]
    public int LengthGroups { get; set; } = 5;

    [Description("The vectors of the instructions.")]
    public CurationVectors Vectors { get; set; } = new();

    [Description("k-means in each length group.")]
    public CurationClusters Clusters { get; set; } = new();

    [Description("Which rows of each cluster are kept.")]
    public CurationSampling Sampling { get; set; } = new();

    [Description("More choices of the same rows, for comparison: every combination of the lists, from the same perplexities and vectors. An empty list stands for the one value above.")]
    public CurationGrid Grid { get; set; } = new();

    [Description("Formats of the chosen rows beside sft.jsonl: alpaca, sharegpt, messages.")]
    public IReadOnlyList<string> Formats { get; set; } = [];

    [Description("Write the rows of each stage too: merged, with perplexity, with clusters.")]
    public bool WriteStages { get; set; } = true;

    [Range(16, 1_000_000)]
    [Description("Rows worked on as one when perplexities and vectors are made: what a killed job does again at most.")]
    public int PartRows { get; set; } = 2048;
}

/// <summary>Forms of instruction data.</summary>
public enum CurationForm
{
    /// <summary>Columns instruction, input, output.</summary>
    Alpaca,

    /// <summary>messages with role and content.</summary>
    Messages,

    /// <summary>conversations with from and value.</summary>
    Sharegpt,
}

/// <summary>A table of instruction data.</summary>
public sealed class CurationSource
{
    [Required, InputPath(InputKind.File)]
    [Description("JSONL, a JSON array, CSV or Parquet, plain or gzip. Relative to the recipe.")]
    public string Path { get; set; } = "";

    [Required]
    [Description("Name of the source in rows and statistics.")]
    public string Group { get; set; } = "";

    [Description("Where instruction and output stand, unless the keys below say so: alpaca is the columns instruction, input, output; of messages and sharegpt the first turn of each side is taken.")]
    public CurationForm Form { get; set; }

    [Description("Column of the instruction, or a place inside one, such as messages[role=user].content.")]
    public string? Instruction { get; set; }

    [Description("Column of what the instruction is about, put behind it with a blank; a row need not have it.")]
    public string? Input { get; set; }

    [Description("Column of the output.")]
    public string? Output { get; set; }

    /// <summary>The three columns.</summary>
    public (string Instruction, string? Input, string Output) Columns() => Form switch
    {
        CurationForm.Messages => (Instruction ?? "messages[role=user].content", Input, Output ?? "messages[role=assistant].content"),
        CurationForm.Sharegpt => (Instruction ?? "conversations[from=human].value", Input, Output ?? "conversations[from=gpt].value"),
        _ => (Instruction ?? "instruction", Input ?? "input", Output ?? "output"),
    };
}

/// <summary>Where the perplexities come from; neither: there are none, and rows are sampled by lot.</summary>
public sealed class CurationPerplexity
{
    [InputPath(InputKind.Model)]
    [Description("Folder of a model in Hugging Face's layout, read without a token that begins a text. Relative to the recipe.")]
    public string? Model { get; set; }

    [Description("Column of the sources that has them already, instead of a model.")]
    public string? Column { get; set; }

    [Range(2, 1_048_576)]
    [Description("Tokens of an instruction that the model reads; not more than its positions.")]
    public int MaxTokens { get; set; } = 1024;

    [Range(16, 100_000_000)]
    [Description("Rows times longest row of a batch, at most.")]
    public int BatchTokens { get; set; } = 8192;
}

/// <summary>The vectors of the instructions.</summary>
public sealed class CurationVectors
{
    [InputPath(InputKind.Encoder)]
    [Description("Folder of a sentence encoder: model.onnx, tokenizer.json. Relative to the recipe.")]
    public string? Encoder { get; set; }

    [InputPath(InputKind.Model)]
    [Description("Folder of a model in Hugging Face's layout instead, whose last hidden states are averaged. Relative to the recipe.")]
    public string? Model { get; set; }

    [Description("What of an encoder's token vectors is taken: their mean; the first token's (cls); or the encoder's own sentence output (pooler). A model's are averaged.")]
    public EncoderPooling Pooling { get; set; } = EncoderPooling.Mean;

    [Description("Vectors are scaled to length 1.")]
    public bool Normalize { get; set; }

    [Range(8, 32_768)]
    [Description("Tokens of an instruction that are read; not more than the encoder's positions.")]
    public int MaxTokens { get; set; } = 512;

    [Description("Stands before each instruction, as some encoders were trained, e.g. \"query: \".")]
    public string Prefix { get; set; } = "";

    [Range(16, 100_000_000)]
    [Description("Of a model: rows times longest row of a batch, at most.")]
    public int BatchTokens { get; set; } = 8192;
}

/// <summary>k-means in each length group.</summary>
public sealed class CurationClusters
{
    [Range(1, 100_000)]
    [Description("Clusters of each length group; no group may have fewer rows.")]
    public int Count { get; set; } = 100;

    [Range(1, 1000)]
    [Description("Starts (n_init); the best is kept.")]
    public int Starts { get; set; } = 10;

    [Range(1, 100_000)]
    [Description("Iterations of a start at most; with batches passes over the rows.")]
    public int MaxIterations { get; set; } = 300;

    [Range(0.0, 1.0)]
    [Description("A start ends when its centres' squared moves sum to this share of the mean variance; with batches, when a pass betters the fit by less than this share.")]
    public double Tolerance { get; set; } = 1e-4;

    [Range(0, 1_000_000)]
    [Description("Rows of a batch for data that does not fit into memory (mini-batch k-means), not under count; 0: all rows at once, in memory.")]
    public int BatchRows { get; set; }
}

/// <summary>Which rows of a cluster are kept.</summary>
public sealed class CurationSampling
{
    [Description("ppl: evenly over the perplexities, from the lowest on; rand: by lot; pplH: those of the highest perplexity, no instruction twice.")]
    public SampleRule Method { get; set; }

    [Range(0.000001, 1.0)]
    [Description("Share of each cluster that is kept (N).")]
    public double Share { get; set; } = 0.01;
}

/// <summary>Lists of values that are tried.</summary>
public sealed class CurationGrid
{
    [Description("Length groups, e.g. [1, 5, 10, 20].")]
    public IReadOnlyList<int> LengthGroups { get; set; } = [];

    [Description("Clusters, e.g. [1, 10, 20, 50, 100].")]
    public IReadOnlyList<int> Clusters { get; set; } = [];

    [Description("Methods, e.g. [rand, ppl, pplH].")]
    public IReadOnlyList<string> Methods { get; set; } = [];

    [Description("Shares, e.g. [0.01, 0.05, 0.1].")]
    public IReadOnlyList<double> Shares { get; set; } = [];
}
