using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace XInstruct.Domain.Recipes;

/// <summary>The YAML file of <c>xinstruct train</c>: what a model is trained on and how. Only <see cref="Name"/>, a model and data have no default.</summary>
public sealed class TrainingRecipe
{
    [Required, RegularExpression("^[a-z0-9][a-z0-9-]{0,39}$")]
    [Description("Lower-case name; the training's id is this name and 8 hex digits of the recipe's hash.")]
    public string Name { get; set; } = "";

    [Description("One seed decides every random choice.")]
    public int Seed { get; set; } = 1;

    [Range(1, 256)]
    [Description("CPU threads. Sums depend on it in the last bit, so it is part of the result.")]
    public int Threads { get; set; } = 2;

    [Description("Where to train; auto is cuda where there is one.")]
    public ComputeDevice Device { get; set; }

    [Required]
    [Description("The model that training starts from.")]
    public BaseModelOptions Model { get; set; } = new();

    [Description("What is trained: the whole model (full), or an adapter on it (lora), or an adapter on a model held in fewer bits (qlora).")]
    public TuningMethod Method { get; set; }

    [Description("The adapter of lora and qlora.")]
    public AdapterSettings Adapter { get; set; } = new();

    [Description("How qlora holds the model's matrices.")]
    public QuantizationSettings Quantization { get; set; } = new();

    [Required]
    [Description("What to learn from.")]
    public TrainingDataOptions Data { get; set; } = new();

    [Description("The loss of 'train dpo'.")]
    public PreferenceSettings Preference { get; set; } = new();

    [Description("The optimiser, AdamW.")]
    public OptimizerSettings Optimizer { get; set; } = new();

    [Description("How long, and how the learning rate goes.")]
    public ScheduleSettings Schedule { get; set; } = new();

    [Description("How examples are put together.")]
    public BatchSettings Batch { get; set; } = new();

    [Description("Rows held out, and what is done with the loss on them.")]
    public EvaluationSettings Evaluation { get; set; } = new();

    [Description("What is kept so that an interrupted training goes on.")]
    public CheckpointSettings Checkpoints { get; set; } = new();

    [JsonIgnore]
    [Description("Folder for the result, relative to the recipe. Default: models/<training id> in the home directory.")]
    public string? Output { get; set; }
}

/// <summary>What a model learns from: pairs of prompt and completion, or preferences.</summary>
public enum TrainingKind
{
    Sft,
    Dpo,
}

/// <summary>Where to train.</summary>
public enum ComputeDevice
{
    Auto,
    Cpu,
    Cuda,
}

/// <summary>What is trained.</summary>
public enum TuningMethod
{
    Full,
    Lora,
    Qlora,
}

/// <summary>What a model computes in.</summary>
public enum ComputeType
{
    Float32,
    Bfloat16,
    Float16,
}

/// <summary>The model that training starts from: a Hugging Face folder, or random weights.</summary>
public sealed class BaseModelOptions
{
    [InputPath(InputKind.Model)]
    [Description("Hugging Face folder: config.json, tokenizer, *.safetensors. Relative to the recipe. Or leave it out and say fresh.")]
    public string? Path { get; set; }

    [Description("Random weights of this shape with a tokenizer trained on the data. Only with method full.")]
    public FreshModelOptions? Fresh { get; set; }

    [Description("What the model computes in. The 16-bit types halve its memory; full training then keeps a 32-bit copy of the weights for its updates, an adapter is always 32-bit.")]
    public ComputeType Compute { get; set; }

    [Description("Keep only each layer's input and work the layer out again for the gradient: the same result in much less memory, for about a third more time.")]
    public bool Recompute { get; set; }

    [Range(0.0, 0.9)]
    [Description("Dropout in the model while training.")]
    public double Dropout { get; set; }
}

/// <summary>A model from nothing.</summary>
public sealed class FreshModelOptions
{
    [Range(300, 1_000_000)]
    [Description("Pieces of the tokenizer, the 256 bytes and the special tokens included.")]
    public int Vocabulary { get; set; } = 1536;

    [Description("Shape of the Llama-type decoder.")]
    public ShapeOptions Shape { get; set; } = new();
}

/// <summary>A low-rank adapter, in PEFT's terms.</summary>
public sealed class AdapterSettings
{
    [Range(1, 4096)]
    [Description("Rank.")]
    public int Rank { get; set; } = 16;

    [Range(0.001, 1_000_000.0)]
    [Description("Alpha: the update counts alpha / rank times.")]
    public double Alpha { get; set; } = 32;

    [Description("Divide alpha by the root of the rank instead (rsLoRA).")]
    public bool RootScaling { get; set; }

    [Description("Linear layers by the end of their names, e.g. [q_proj, v_proj]; all-linear is all but the output matrix.")]
    public IReadOnlyList<string> Targets { get; set; } = ["all-linear"];

    [Range(0.0, 0.99)]
    [Description("Dropout of what goes into the adapter.")]
    public double Dropout { get; set; }
}

/// <summary>Codes that matrices are held as.</summary>
public enum QuantizationCodes
{
    Nf4,
    Fp4,
    Dynamic8,
    Int8,
}

/// <summary>How matrices are held in fewer bits.</summary>
public sealed class QuantizationSettings
{
    [Description("Codes.")]
    public QuantizationCodes Codes { get; set; }

    [Range(0, 1_048_576)]
    [Description("Elements that share a scale; 0 for a scale a row.")]
    public int BlockSize { get; set; } = 64;

    [Description("Hold the scales in 8 bits too.")]
    public bool Double { get; set; } = true;
}

/// <summary>What to learn from: tables, or a run's release.</summary>
public sealed class TrainingDataOptions
{
    [InputPath(InputKind.File)]
    [Description("Tables: JSONL, a JSON array or CSV, plain or gzip, or Parquet. Relative to the recipe.")]
    public IReadOnlyList<string> Files { get; set; } = [];

    [InputPath(InputKind.Folder)]
    [Description("Folder of a run's release, with its manifest.json, instead of files. Its columns are instruction, output and lang.")]
    public string? Release { get; set; }

    [Description("The prompt: columns of a row stand in braces.")]
    public string Prompt { get; set; } = "{instruction}";

    [Description("Column of what is to be learnt ('train sft').")]
    public string Completion { get; set; } = "output";

    [Description("Column of the preferred completion ('train dpo').")]
    public string Chosen { get; set; } = "chosen";

    [Description("Column of the other completion ('train dpo').")]
    public string Rejected { get; set; } = "rejected";

    [Description("Column of a conversation, a JSON array of messages with role and content whose last one is learnt, instead of prompt and completion ('train sft').")]
    public string? Messages { get; set; }

    [Description("Put prompt and completion into the model's chat template, as what the user and the assistant say. A conversation always is.")]
    public bool Chat { get; set; }
}

/// <summary>Forms of the preference loss.</summary>
public enum PreferenceForm
{
    Sigmoid,
    Hinge,
    Ipo,
    Robust,
}

/// <summary>The preference loss.</summary>
public sealed class PreferenceSettings
{
    [Range(0.0001, 100.0)]
    [Description("How strongly the model is held to what it was.")]
    public double Beta { get; set; } = 0.1;

    [Description("Form: sigmoid is DPO, hinge SLiC.")]
    public PreferenceForm Loss { get; set; }

    [Range(0.0, 0.49)]
    [Description("Share of preferences taken to be wrong. Sigmoid and robust only.")]
    public double LabelSmoothing { get; set; }
}

/// <summary>AdamW.</summary>
public sealed class OptimizerSettings
{
    [Range(0.0, 1.0)]
    [Description("Highest learning rate.")]
    public double LearningRate { get; set; } = 2e-4;

    [Range(0.0, 0.99999)]
    [Description("Decay of the first moment.")]
    public double Beta1 { get; set; } = 0.9;

    [Range(0.0, 0.99999)]
    [Description("Decay of the second moment.")]
    public double Beta2 { get; set; } = 0.999;

    [Range(0.0, 1.0)]
    [Description("Added to the root of the second moment.")]
    public double Epsilon { get; set; } = 1e-8;

    [Range(0.0, 1.0)]
    [Description("Weight decay of matrices.")]
    public double WeightDecay { get; set; }

    [Range(0.0, 1_000_000.0)]
    [Description("Norm that gradients are clipped to; 0 does not clip.")]
    public double Clip { get; set; } = 1.0;

    [Range(0.0, 0.9)]
    [Description("Label smoothing of 'train sft'.")]
    public double LabelSmoothing { get; set; }
}

/// <summary>How the learning rate falls.</summary>
public enum DecayShape
{
    Constant,
    Linear,
    Cosine,
    CosineRestarts,
    Polynomial,
    InverseSquareRoot,
}

/// <summary>How long, and how the learning rate goes.</summary>
public sealed class ScheduleSettings
{
    [Range(1, 10_000)]
    [Description("Passes over the data.")]
    public int Passes { get; set; } = 3;

    [Range(0, 100_000_000)]
    [Description("Steps instead, over as many passes as it takes; 0: so many passes.")]
    public int Steps { get; set; }

    [Description("How the learning rate falls.")]
    public DecayShape Decay { get; set; } = DecayShape.Cosine;

    [Range(0.0, 1.0)]
    [Description("Share of the steps over which the learning rate rises.")]
    public double Warmup { get; set; } = 0.03;

    [Range(0.0, 1.0)]
    [Description("Last learning rate as a share of the highest; of linear and cosine.")]
    public double Floor { get; set; }
}

/// <summary>Which tokens are learnt.</summary>
public enum LearntTokens
{
    Completion,
    All,
}

/// <summary>How examples are put together.</summary>
public sealed class BatchSettings
{
    [Range(2, 1_048_576)]
    [Description("Tokens of the longest example; the start of a longer prompt is cut off, then the end of the completion.")]
    public int MaxTokens { get; set; } = 1024;

    [Range(16, 100_000_000)]
    [Description("Rows times longest row of a batch, at most. What memory depends on most.")]
    public int BatchTokens { get; set; } = 4096;

    [Range(1, 4096)]
    [Description("Batches of one step.")]
    public int Accumulation { get; set; } = 1;

    [Description("Put several examples into one row, up to maxTokens; none sees the others. Not of 'train dpo'.")]
    public bool Pack { get; set; }

    [Description("Learn completions only, or prompts too. Of 'train sft'.")]
    public LearntTokens Learn { get; set; }
}

/// <summary>Rows held out.</summary>
public sealed class EvaluationSettings
{
    [Range(0.0, 0.5)]
    [Description("Share of the rows that is held out, drawn by the seed; 0: none, unless there are files.")]
    public double Share { get; set; }

    [InputPath(InputKind.File)]
    [Description("Tables of further rows that are held out.")]
    public IReadOnlyList<string> Files { get; set; } = [];

    [Range(1, 100_000_000)]
    [Description("Steps between evaluations. The best weights are the result.")]
    public int Steps { get; set; } = 100;

    [Range(0, 10_000)]
    [Description("Evaluations in a row without a better loss after which training stops; 0: it does not.")]
    public int Patience { get; set; }
}

/// <summary>Checkpoints.</summary>
public sealed class CheckpointSettings
{
    [Range(1, 100_000_000)]
    [Description("Steps between checkpoints: what is done again, at most, after a crash.")]
    public int Steps { get; set; } = 100;

    [Range(1, 1000)]
    [Description("Checkpoints that stay.")]
    public int Keep { get; set; } = 2;
}
