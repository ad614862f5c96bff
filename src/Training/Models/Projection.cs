using TorchSharp.Modules;
using TorchSharp.Utils;
using XInstruct.Training.Quantization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>A weight matrix, with or without a bias and a low-rank update: y = x Wᵀ + b (+ s · drop(x) Aᵀ Bᵀ).</summary>
internal sealed class Projection : Part
{
    private readonly ScalarType _type;

    // Null when the matrix is held as codes.
    [ComponentName(Name = "weight")]
    private readonly Parameter? _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private QuantizedTensor? _codes;

    public Projection(long input, long output, bool bias, Placement place)
        : base(nameof(Projection))
    {
        (InputSize, OutputSize, _type, Device, Quantization) = (input, output, place.Type, place.Device, place.Quantization);
        if (Quantization is null) _weight = Named("weight", Parameter(place.Zeros(output, input)));
        if (bias) _bias = Named("bias", Parameter(place.Zeros(output)));
    }

    public long InputSize { get; }

    public long OutputSize { get; }

    public Device Device { get; }

    /// <summary>How the matrix is held as codes; null when it is not.</summary>
    public QuantizationOptions? Quantization { get; }

    /// <summary>Bytes of the codes.</summary>
    public long CodeBytes => _codes?.Bytes ?? 0;

    /// <summary>The matrix as a parameter.</summary>
    /// <exception cref="InvalidOperationException">It is held as codes.</exception>
    public Parameter Weight => _weight ?? throw new InvalidOperationException("The weights are quantised: only their codes are there. Load the model without quantisation for this.");

    /// <summary>The low-rank update, when an adapter put one here; the names of its matrices are those of PEFT.</summary>
    public LowRank? Update
    {
        get;
        set
        {
            register_module("lora_A", value?.A!);
            register_module("lora_B", value?.B!);
            field = value;
        }
    }

    public override Tensor forward(Tensor input)
    {
        var output = functional.linear(input, _weight ?? Codes.Dequantize(_type), _bias);
        return Update is { IsOn: true } update ? output.add(update.Of(input, training).To(output.dtype)) : output;
    }

    /// <summary>Makes codes of the matrix; it is not needed any more then.</summary>
    public void Quantize(Tensor weight)
    {
        _codes?.Dispose();
        _codes = QuantizedTensor.Of(weight, Quantization!);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _codes?.Dispose();
        base.Dispose(disposing);
    }

    private QuantizedTensor Codes => _codes ?? throw new InvalidOperationException("A quantised model gets its weights from a checkpoint.");
}

/// <summary>A low-rank update (Hu et al. 2021).</summary>
/// <param name="A">From the input to the rank.</param>
/// <param name="B">From the rank to the output.</param>
/// <param name="Scaling">By what it is multiplied.</param>
/// <param name="Dropout">Dropout of the input in training.</param>
internal sealed record LowRank(Projection A, Projection B, double Scaling, Dropout Dropout)
{
    /// <summary>Whether it counts now.</summary>
    public bool IsOn { get; set; } = true;

    public Tensor Of(Tensor input, bool training) => B.call(A.call(Dropout.Apply(input.To(A.Weight.dtype), training))) * Scaling;

    /// <summary>The update as one matrix in float32.</summary>
    public Tensor Matrix() => B.Weight.mm(A.Weight) * Scaling;
}
