using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The refine loop: rate, keep, retrain, regenerate.</summary>
public sealed class RefineOptions
{
    [Range(0, 20)]
    [Description("Iterations after iteration 0.")]
    public int Iterations { get; set; } = 2;

    [MinLength(1)]
    [Description("Share of each language's texts kept at the end of iteration 0, 1, …; the last one holds on.")]
    public IReadOnlyList<double> Keep { get; set; } = [0.3, 0.5];

    [Description("Ranks the pairs: evaluator = P(2); generator = mean token log-probability under the generators allowed on the text; both = the sum of the two ranks; random = a control.")]
    public Ranking Rank { get; set; } = Ranking.Both;

    [Description("Only pairs whose most likely level is 2 may be kept (methods section 1).")]
    public bool RequireBest { get; set; }

    [Description("Where a language's instructions take at most this many different forms, each form gets the same share of what is kept; 0 is off.")]
    [Range(0, 1000)]
    public int BalanceLabels { get; set; }

    [Range(1, 2)]
    [Description("2: cross-fitting. The corpus is split in two halves and each generator learns from kept samples of the half it does not label. A generator behind an endpoint is one.")]
    public int Generators { get; set; } = 2;

    [Range(1.0, 100.0)]
    [Description("Weight of a seed pair against a kept pair in training.")]
    public double SeedWeight { get; set; } = 2;

    [Range(0.1, 10.0)]
    [Description("Length of the training of later iterations as a multiple of iteration 0's.")]
    public double LaterSteps { get; set; } = 1;

    [Description("Texts that a later iteration labels and judges anew: all of them, so that a pair kept early must win again; or unkept, those not kept so far (methods section 1), which costs less.")]
    public Regenerate Regenerate { get; set; } = Regenerate.All;

    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingDefault)]
    [Description("Each iteration waits, for days if need be, until someone says 'xinstruct approve' or 'xinstruct reject' of what it came to; a rejected one is undone and ends the loop.")]
    public bool Approve { get; set; }

    [Description("What later iterations train on: kept pairs; or none, a control with the same steps and no new data.")]
    public NewData NewData { get; set; } = NewData.Kept;
}

/// <summary>What the rated pairs are ranked by.</summary>
public enum Ranking
{
    Both,
    Evaluator,
    Generator,
    Random,
}

/// <summary>Which texts a later iteration labels anew.</summary>
public enum Regenerate
{
    All,
    Unkept,
}

/// <summary>What later iterations add to the seeds.</summary>
public enum NewData
{
    Kept,
    None,
}

/// <summary>Clustering the instructions and sampling across clusters, per language.</summary>
public sealed class DiversifyOptions
{
    [Range(1, 100_000)]
    [Description("Clusters of a language's instructions.")]
    public int Clusters { get; set; } = 24;

    [Range(1, int.MaxValue)]
    [Description("Samples of a language in the release.")]
    public int Target { get; set; } = 32_000;

    [Description("Which samples of a cluster are taken: nearest to its centre, or random.")]
    public Pick Pick { get; set; } = Pick.Nearest;

    [Description("A sentence encoder in ONNX whose vectors of the instructions are clustered. Without it: the mean of the first generator's hidden states.")]
    public EncoderOptions? Encoder { get; set; }
}

/// <summary>Which samples of a cluster are taken.</summary>
public enum Pick
{
    Nearest,
    Random,
}

/// <summary>A sentence encoder under ONNX Runtime and how its vectors are made.</summary>
public sealed class EncoderOptions
{
    [Required]
    [Description("Folder with model.onnx (and the files that hold its weights, if they lie outside) and tokenizer.json.")]
    public string Path { get; set; } = "";

    [Description("What of a text's token vectors is taken: their mean; the first token's (cls); or the model's own sentence output (pooler).")]
    public EncoderPooling Pooling { get; set; } = EncoderPooling.Mean;

    [Description("Vectors are scaled to length 1, so that near means alike in direction.")]
    public bool Normalize { get; set; } = true;

    [Range(8, 32_768)]
    [Description("Tokens of an instruction that the encoder reads; not more than its positions.")]
    public int MaxTokens { get; set; } = 256;

    [Description("Stands before each instruction, as some encoders were trained, e.g. \"query: \".")]
    public string Prefix { get; set; } = "";

    [Description("Where it runs: auto takes a GPU where there is one.")]
    public EncoderDevice Device { get; set; } = EncoderDevice.Auto;
}

/// <summary>What of a text's token vectors is taken.</summary>
public enum EncoderPooling
{
    Mean,
    Cls,
    Pooler,
}

/// <summary>Where an encoder runs.</summary>
public enum EncoderDevice
{
    Auto,
    Cpu,
    Cuda,
}

/// <summary>Evaluation on the held-out seeds.</summary>
public sealed class EvaluateOptions
{
    [Range(2, 100)]
    [Description("Candidates of the rank accuracy, the right one included.")]
    public int Candidates { get; set; } = 8;

    [Range(100, 100_000)]
    [Description("Resamples of the bootstrap interval.")]
    public int Bootstrap { get; set; } = 1000;
}
