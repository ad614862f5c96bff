using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>A weight matrix without bias: y = x Wᵀ.</summary>
internal sealed class Projection : Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public Projection(long input, long output)
        : base(nameof(Projection))
    {
        _weight = Parameter(zeros(output, input));
        RegisterComponents();
    }

    public Tensor Weight => _weight;

    public override Tensor forward(Tensor input) => functional.linear(input, _weight);
}

/// <summary>Root mean square norm (Zhang and Sennrich 2019).</summary>
internal sealed class RmsNorm : Module<Tensor, Tensor>
{
    private readonly double _epsilon;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    public RmsNorm(long size, double epsilon)
        : base(nameof(RmsNorm))
    {
        _epsilon = epsilon;
        _weight = Parameter(ones(size));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => _weight * (input * (input.square().mean([-1], true) + _epsilon).rsqrt());
}

/// <summary>SwiGLU (Shazeer 2020).</summary>
internal sealed class FeedForward : Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly Projection _gate;

    [ComponentName(Name = "up_proj")]
    private readonly Projection _up;

    [ComponentName(Name = "down_proj")]
    private readonly Projection _down;

    public FeedForward(DecoderConfig config)
        : base(nameof(FeedForward))
    {
        _gate = new Projection(config.HiddenSize, config.IntermediateSize);
        _up = new Projection(config.HiddenSize, config.IntermediateSize);
        _down = new Projection(config.IntermediateSize, config.HiddenSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => _down.call(functional.silu(_gate.call(input)) * _up.call(input));
}

/// <summary>What every layer of one pass shares.</summary>
internal readonly record struct Pass(Tensor Cos, Tensor Sin, Tensor? Mask, KeyValueCache? Cache, long Before);

/// <summary>Causal self-attention with grouped keys and values.</summary>
internal sealed class Attention : Module<Tensor, Tensor>
{
    private readonly DecoderConfig _config;
    private readonly Rotary _rotary;
    private readonly Dropout _dropout;

    [ComponentName(Name = "q_proj")]
    private readonly Projection _query;

    [ComponentName(Name = "k_proj")]
    private readonly Projection _key;

    [ComponentName(Name = "v_proj")]
    private readonly Projection _value;

    [ComponentName(Name = "o_proj")]
    private readonly Projection _output;

    public Attention(DecoderConfig config, Rotary rotary, Dropout dropout)
        : base(nameof(Attention))
    {
        (_config, _rotary, _dropout) = (config, rotary, dropout);
        _query = new Projection(config.HiddenSize, (long)config.Heads * config.HeadSize);
        _key = new Projection(config.HiddenSize, (long)config.KeyValueHeads * config.HeadSize);
        _value = new Projection(config.HiddenSize, (long)config.KeyValueHeads * config.HeadSize);
        _output = new Projection((long)config.Heads * config.HeadSize, config.HiddenSize);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => throw new NotSupportedException("Attention needs the pass: call Attend.");

    public Tensor Attend(Tensor input, int layer, Pass pass)
    {
        var (batch, length) = (input.shape[0], input.shape[1]);
        var query = _rotary.Apply(Heads(_query.call(input), _config.Heads, batch, length), pass.Cos, pass.Sin); // (B, H, T, D)
        var key = _rotary.Apply(Heads(_key.call(input), _config.KeyValueHeads, batch, length), pass.Cos, pass.Sin);
        var value = Heads(_value.call(input), _config.KeyValueHeads, batch, length);
        if (pass.Cache is not null) (key, value) = pass.Cache.Append(layer, key, value, pass.Before);
        var groups = _config.Heads / _config.KeyValueHeads;
        if (groups > 1) (key, value) = (key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1));
        var scores = query.matmul(key.transpose(2, 3)) * (1 / Math.Sqrt(_config.HeadSize)); // (B, H, T, S)
        if (pass.Mask is not null) scores = scores.add(pass.Mask);
        var weights = scores.softmax(-1);
        weights = _dropout.Apply(weights, training);
        return _output.call(weights.matmul(value).transpose(1, 2).reshape(batch, length, (long)_config.Heads * _config.HeadSize));
    }

    private Tensor Heads(Tensor x, int heads, long batch, long length) => x.view(batch, length, heads, _config.HeadSize).transpose(1, 2);
}

/// <summary>One layer: attention and feed-forward, each after a norm and with a residual.</summary>
internal sealed class DecoderLayer : Module<Tensor, Tensor>
{
    private readonly Dropout _dropout;

    [ComponentName(Name = "self_attn")]
    private readonly Attention _attention;

    [ComponentName(Name = "mlp")]
    private readonly FeedForward _feedForward;

    [ComponentName(Name = "input_layernorm")]
    private readonly RmsNorm _before;

    [ComponentName(Name = "post_attention_layernorm")]
    private readonly RmsNorm _between;

    public DecoderLayer(DecoderConfig config, Rotary rotary, Dropout dropout)
        : base(nameof(DecoderLayer))
    {
        _dropout = dropout;
        _attention = new Attention(config, rotary, dropout);
        _feedForward = new FeedForward(config);
        _before = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        _between = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => throw new NotSupportedException("A layer needs the pass: call Step.");

    public Tensor Step(Tensor x, int layer, Pass pass)
    {
        x = x.add(_dropout.Apply(_attention.Attend(_before.call(x), layer, pass), training));
        return x.add(_dropout.Apply(_feedForward.call(_between.call(x)), training));
    }
}

/// <summary>Embedding, layers and the final norm.</summary>
internal sealed class DecoderBody : Module<Tensor, Tensor>
{
    private readonly Dropout _dropout;

    [ComponentName(Name = "embed_tokens")]
    private readonly Embedding _embedding;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<DecoderLayer> _layers;

    [ComponentName(Name = "norm")]
    private readonly RmsNorm _norm;

    public DecoderBody(DecoderConfig config, Rotary rotary, Dropout dropout)
        : base(nameof(DecoderBody))
    {
        _dropout = dropout;
        _embedding = Embedding(config.VocabularySize, config.HiddenSize);
        _layers = ModuleList(Enumerable.Range(0, config.Layers).Select(_ => new DecoderLayer(config, rotary, dropout)).ToArray());
        _norm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public Tensor EmbeddingWeight => _embedding.weight!;

    public override Tensor forward(Tensor input) => throw new NotSupportedException("The body needs the pass: call States.");

    /// <summary>Outputs of the embedding and of every layer, the last after the final norm.</summary>
    public IEnumerable<Tensor> States(Tensor ids, Pass pass)
    {
        var x = _embedding.call(ids); // (B, T, D)
        x = _dropout.Apply(x, training);
        for (var i = 0; i < _layers.Count; i++)
        {
            yield return x;
            x = _layers[i].Step(x, i, pass);
        }

        yield return _norm.call(x);
    }
}
