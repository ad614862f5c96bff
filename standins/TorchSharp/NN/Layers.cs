using TorchSharp.Native;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>y = x Wᵀ + b.</summary>
public sealed class Linear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype)
        : base(nameof(Linear))
    {
        (in_features, out_features) = (inputSize, outputSize);
        _weight = (Parameter)empty(outputSize, inputSize, dtype, device).AsParameter().DetachFromDisposeScope();
        nn.init.kaiming_uniform_(_weight, Math.Sqrt(5));
        ConditionallyRegisterParameter(nameof(weight), _weight);
        if (!hasBias) return;
        var bound = inputSize > 0 ? 1 / Math.Sqrt(inputSize) : 0;
        bias = nn.init.uniform_(empty(outputSize, dtype, device), -bound, bound).AsParameter();
    }

    public long in_features { get; set; }

    public long out_features { get; set; }

    public Parameter weight
    {
        get => _weight;
        set
        {
            if (!ReferenceEquals(value, _weight)) _weight.Dispose();
            _weight = (Parameter)value.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public Parameter? bias
    {
        get => _bias;
        set
        {
            if (!ReferenceEquals(value, _bias)) _bias?.Dispose();
            _bias = (Parameter?)value?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(bias), _bias);
        }
    }

    public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight, _bias);
}

/// <summary>A row of a matrix for each index.</summary>
public sealed class Embedding : nn.Module<Tensor, Tensor>
{
    private static readonly Op s_embedding = new("aten::embedding");
    private readonly long _padding;
    private readonly bool _scale;

    [ComponentName(Name = "weight")]
    private Parameter _weight;

    internal Embedding(long count, long size, long? padding, double? maxNorm, bool scale, bool sparse, Device? device, ScalarType? dtype)
        : base(nameof(Embedding))
    {
        if (maxNorm is not null || sparse) throw new NotSupportedException("max_norm and sparse gradients are not built here.");
        (_padding, _scale) = (padding ?? -1, scale);
        var weights = randn(count, size, dtype, device);
        if (padding is { } row)
        {
            using var padded = weights.select(0, row);
            padded.zero_();
        }

        _weight = (Parameter)weights.AsParameter().DetachFromDisposeScope();
        ConditionallyRegisterParameter(nameof(weight), _weight);
    }

    internal Embedding(Tensor embeddings, bool freeze, long? padding, double? maxNorm, bool scale, bool sparse, Device? device, ScalarType? dtype)
        : base(nameof(Embedding))
    {
        if (maxNorm is not null || sparse) throw new NotSupportedException("max_norm and sparse gradients are not built here.");
        if (embeddings.dim() != 2) throw new ArgumentException("Embeddings parameter is expected to be 2-dimensional", nameof(embeddings));
        (_padding, _scale) = (padding ?? -1, scale);
        using var shared = embeddings.detach();
        _weight = (Parameter)new Parameter(shared.to(dtype ?? shared.dtype, device ?? shared.device, copy: false), !freeze).DetachFromDisposeScope();
        ConditionallyRegisterParameter(nameof(weight), _weight);
    }

    public Parameter? weight
    {
        get => _weight;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            if (!ReferenceEquals(value, _weight)) _weight.Dispose();
            _weight = (Parameter)value.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public override Tensor forward(Tensor input) => s_embedding.Call(_weight, input, _padding, _scale);
}

/// <summary>Zeros elements at random while it trains.</summary>
public sealed class Dropout : nn.Module<Tensor, Tensor>
{
    internal Dropout(double p, bool inplace)
        : base(nameof(Dropout)) => (this.p, this.inplace) = (p, inplace);

    public double p { get; set; }

    public bool inplace { get; set; }

    public override Tensor forward(Tensor tensor) => nn.functional.dropout(tensor, p, training, inplace);
}

/// <summary>Mean 0 and variance 1 over the last dimensions, then a learnt scale and shift.</summary>
public sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private Parameter? _weight;

    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    internal LayerNorm(long[] shape, double eps, bool affine, bool bias, Device? device, ScalarType? dtype)
        : base(nameof(LayerNorm))
    {
        (normalized_shape, this.eps, elementwise_affine) = (shape, eps, affine);
        if (affine) weight = ones(shape, dtype, device).AsParameter();
        if (affine && bias) this.bias = zeros(shape, dtype, device).AsParameter();
    }

    public long[] normalized_shape { get; set; }

    public double eps { get; set; }

    public bool elementwise_affine { get; set; }

    public Parameter weight
    {
        get => _weight!;
        set
        {
            if (!ReferenceEquals(value, _weight)) _weight?.Dispose();
            _weight = (Parameter)value.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(weight), _weight);
        }
    }

    public Parameter? bias
    {
        get => _bias;
        set
        {
            if (!ReferenceEquals(value, _bias)) _bias?.Dispose();
            _bias = (Parameter?)value?.DetachFromDisposeScope();
            ConditionallyRegisterParameter(nameof(bias), _bias);
        }
    }

    public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, normalized_shape, _weight, _bias, eps);
}
