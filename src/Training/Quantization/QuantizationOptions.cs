using System.ComponentModel.DataAnnotations;

namespace XInstruct.Training.Quantization;

/// <summary>What a weight is stored as.</summary>
public enum WeightCodes
{
    /// <summary>4-bit NormalFloat (Dettmers et al. 2023): quantiles of the normal distribution.</summary>
    Nf4,

    /// <summary>4-bit float: a sign, two bits of exponent, one of mantissa.</summary>
    Fp4,

    /// <summary>8-bit dynamic map (Dettmers 2016): more values near 0.</summary>
    Dynamic8,

    /// <summary>8-bit whole numbers, in steps of a block's largest absolute value / 127.</summary>
    Int8,
}

/// <summary>How the matrices of a model's layers are held in fewer bits. Embeddings, norms, biases and the output matrix stay what they are.</summary>
public sealed record QuantizationOptions
{
    /// <summary>The codes.</summary>
    public WeightCodes Codes { get; init; } = WeightCodes.Nf4;

    /// <summary>Consecutive elements of the row-major matrix that share a scale; 0 for one scale a row.</summary>
    [Range(0, 1 << 20)]
    public int BlockSize { get; init; } = 64;

    /// <summary>Hold the scales in 8 bits too (QLoRA's double quantisation).</summary>
    public bool Double { get; init; }
}
