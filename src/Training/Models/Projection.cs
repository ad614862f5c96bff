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
        var output = _weight is not null ? functional.linear(input, _weight, _bias) : QuantizedProduct.apply(input, Codes, _type);
        if (_weight is null && _bias is not null) output = output.add(_bias);
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

/// <summary>
/// x Wᵀ of a matrix held as codes. Its own derivative works the matrix out again: kept by the graph, the matrices of all layers would take as
/// much memory as the model without codes.
/// </summary>
internal sealed class QuantizedProduct : autograd.SingleTensorFunction<QuantizedProduct>
{
    // A thread of the library's own has no dispose scope: what it was handed goes when the next is ready.
    [ThreadStatic]
    private static Tensor? s_handed;

    public override string Name => nameof(QuantizedProduct);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(nameof(QuantizedTensor), vars[1]);
        ctx.save_data(nameof(ScalarType), vars[2]);
        using var matrix = ((QuantizedTensor)vars[1]).Dequantize((ScalarType)vars[2]);
        return functional.linear((Tensor)vars[0], matrix);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using var matrix = ((QuantizedTensor)ctx.get_data(nameof(QuantizedTensor))).Dequantize((ScalarType)ctx.get_data(nameof(ScalarType)));
        var gradient = grad_output.matmul(matrix).DetachFromDisposeScope();
        grad_output.Dispose();
        s_handed?.Dispose();
        s_handed = gradient;
        return [gradient, null!, null!];
    }
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
