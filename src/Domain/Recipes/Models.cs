using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace XInstruct.Domain.Recipes;

/// <summary>The three models of a run, set separately, and the tokenizer they share when they start from random weights.</summary>
public sealed class ModelsOptions
{
    [Description("Tokenizer of models that start from random weights.")]
    public TokenizerOptions Tokenizer { get; set; } = new();

    [Description("Guesses the English instruction that a text answers.")]
    public RemotableModelOptions Generator { get; set; } = new() { Prompt = "<|text|>{text}<|instruction|>" };

    [Description("Sorts a pair into three levels: 2 best, 1 reasonable with flaws, 0 worst.")]
    public RemotableModelOptions Evaluator { get; set; } = new() { Prompt = "<|text|>{text}<|instruction|>{instruction}<|rating|>" };

    [Description("The model that the release trains, in the response direction.")]
    public ModelOptions Student { get; set; } = new() { Prompt = "<|instruction|>{instruction} Answer in {language}.<|text|>" };
}

/// <summary>The byte-level BPE tokenizer trained on seeds and corpus for models that start from random weights.</summary>
public sealed class TokenizerOptions
{
    [Range(300, 1_000_000)]
    [Description("Pieces, the 256 bytes and the special tokens included.")]
    public int Vocabulary { get; set; } = 1536;
}

/// <summary>One local model: from a Hugging Face folder, or from random weights of the given shape.</summary>
public class ModelOptions
{
    [Description("Hugging Face folder (config.json, safetensors, tokenizer.json). Without it: random weights.")]
    public string? Base { get; set; }

    [Description("Prompt template; slots in braces are filled in one pass.")]
    public string Prompt { get; set; } = "";

    [Description("Shape of a model that starts from random weights.")]
    public ShapeOptions Shape { get; set; } = new();

    [Description("How the model is trained.")]
    public TuningOptions Tuning { get; set; } = new();

    [Description("How the model writes.")]
    public SamplingOptions Sampling { get; set; } = new();

    [Range(8, 131_072)]
    [Description("Tokens of the text that the model sees: the first half and the last half of this many.")]
    public int MaxTextTokens { get; set; } = 256;
}

/// <summary>A model that may be behind an endpoint instead.</summary>
public sealed class RemotableModelOptions : ModelOptions
{
    [Description("A model behind an OpenAI-compatible endpoint instead of a local one; it is not trained.")]
    public ApiOptions? Api { get; set; }
}

/// <summary>Shape of a Llama-type decoder that starts from random weights.</summary>
public sealed class ShapeOptions
{
    [Range(8, 16_384)]
    [Description("Width of the residual stream; a multiple of twice the heads.")]
    public int Hidden { get; set; } = 96;

    [Range(1, 200)]
    [Description("Decoder layers.")]
    public int Layers { get; set; } = 2;

    [Range(1, 256)]
    [Description("Attention heads.")]
    public int Heads { get; set; } = 4;

    [Range(8, 65_536)]
    [Description("Width of the feed-forward layer.")]
    public int Intermediate { get; set; } = 256;

    [Range(0.0001, 1.0)]
    [Description("Standard deviation of the first weights.")]
    public double InitStd { get; set; } = 0.06;
}

/// <summary>Supervised fine-tuning: AdamW, linear warm-up, cosine to a floor, batches by tokens.</summary>
public sealed class TuningOptions
{
    [Range(1, 100_000_000)]
    [Description("Optimisation steps.")]
    public int Steps { get; set; } = 600;

    [Range(0, 2_000_000_000)]
    [Description("Tokens to train on instead, texts and completions together; 0: so many steps.")]
    public int Tokens { get; set; }

    [Range(16, 10_000_000)]
    [Description("Tokens in a batch, about.")]
    public int BatchTokens { get; set; } = 512;

    [Range(0.0, 1.0)]
    [Description("Highest learning rate.")]
    public double LearningRate { get; set; } = 4e-3;

    [Range(0.0, 1.0)]
    [Description("Last learning rate as a share of the highest.")]
    public double Floor { get; set; } = 0.05;

    [Range(0.0, 1.0)]
    [Description("Share of the steps over which the learning rate rises.")]
    public double Warmup { get; set; } = 0.1;

    [Range(0.0, 1.0)]
    [Description("AdamW's beta2; beta1 is 0.9.")]
    public double Beta2 { get; set; } = 0.98;

    [Range(0.0, 1.0)]
    [Description("Weight decay of matrices.")]
    public double WeightDecay { get; set; } = 0.05;

    [Range(0.0, 100.0)]
    [Description("Norm that gradients are clipped to.")]
    public double Clip { get; set; } = 1.0;

    [Range(0.0, 0.9)]
    [Description("Dropout while training.")]
    public double Dropout { get; set; } = 0.2;

    [Range(0.0, 0.9)]
    [Description("Label smoothing of the loss.")]
    public double LabelSmoothing { get; set; } = 0.1;

    [Range(0.0, 1.0)]
    [Description("Probability that a text's tokens are shuffled at a pass: the text becomes a bag of hints.")]
    public double Shuffle { get; set; } = 0.5;

    [Range(0.0, 1.0)]
    [Description("Up to this share of a text's tokens is dropped at a pass, uniformly drawn.")]
    public double Drop { get; set; } = 0.6;
}

/// <summary>How a local model writes.</summary>
public sealed class SamplingOptions
{
    [Range(0.0, 10.0)]
    [Description("0 is greedy.")]
    public double Temperature { get; set; }

    [Range(0.0, 1.0)]
    [Description("Smallest share of the probability that is sampled from; 1 is off.")]
    public double TopP { get; set; } = 1.0;

    [Range(0, 1_000_000)]
    [Description("Most likely tokens that are sampled from; 0 is off.")]
    public int TopK { get; set; }

    [Range(1, 100_000)]
    [Description("Longest completion in tokens.")]
    public int MaxNewTokens { get; set; } = 48;
}
