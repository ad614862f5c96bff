using TorchSharp.Modules;
using TorchSharp.Utils;
using XInstruct.Training.Quantization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>Where a model's numbers lie and of what kind they are.</summary>
/// <param name="Device">The device.</param>
/// <param name="Type">Their type, in which the model also computes.</param>
/// <param name="Quantization">How the layers' matrices are held as codes; null when they are not.</param>
internal sealed record Placement(Device Device, ScalarType Type, QuantizationOptions? Quantization = null)
{
    public static Placement Default { get; } = new(CPU, ScalarType.Float32);

    public Tensor Zeros(params long[] shape) => zeros(shape, Type, Device);

    public Tensor Ones(params long[] shape) => ones(shape, Type, Device);
}

/// <summary>
/// A module that registers its parts itself, under the names of its family's checkpoints: a field's name and attribute, which the library would
/// take, are the same for every family.
/// </summary>
internal abstract class Part : Module<Tensor, Tensor>
{
    protected Part(string name)
        : base(name)
    {
    }

    public override Tensor forward(Tensor input) => throw new NotSupportedException($"{GetName()} needs more than one tensor.");

    protected override void RegisterComponents()
    {
        // Done in the constructors.
    }

    protected T Named<T>(string name, T module)
        where T : Module
    {
        register_module(name, module);
        return module;
    }

    protected Parameter Named(string name, Parameter parameter)
    {
        register_parameter(name, parameter);
        return parameter;
    }
}

/// <summary>Root mean square norm (Zhang and Sennrich 2019) or layer norm (Ba et al. 2016), worked out in float32.</summary>
internal sealed class Norm : Part
{
    private readonly NormKind _kind;
    private readonly double _epsilon;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    public Norm(DecoderConfig config, Placement place)
        : base(nameof(Norm))
    {
        (_kind, _epsilon) = (config.Norm, config.NormEpsilon);
        _weight = Named("weight", Parameter(_kind == NormKind.RmsOnePlus ? place.Zeros(config.HiddenSize) : place.Ones(config.HiddenSize)));
        if (_kind == NormKind.Layer) _bias = Named("bias", Parameter(place.Zeros(config.HiddenSize)));
    }

    public override Tensor forward(Tensor input)
    {
        if (_kind == NormKind.Layer) return functional.layer_norm(input, [input.shape[^1]], _weight, _bias, _epsilon);
        var x = input.To32();
        x = x * (x.square().mean([-1], true) + _epsilon).rsqrt();
        // Llama rounds before the weight, Gemma after it.
        return _kind == NormKind.Rms ? _weight * x.To(input.dtype) : (x * (_weight.To32() + 1)).To(input.dtype);
    }
}

internal static class Precision
{
    /// <summary>The tensor itself when it is float32 already.</summary>
    public static Tensor To32(this Tensor x) => x.To(ScalarType.Float32);

    /// <summary>The tensor itself when it has the type already.</summary>
    public static Tensor To(this Tensor x, ScalarType type) => x.dtype == type ? x : x.to_type(type);
}
