using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>One layer: attention and feed-forward, each after a norm and with a residual.</summary>
internal sealed class DecoderLayer : Part
{
    private readonly bool _parallel;
    private readonly Dropout _dropout;
    private readonly Attention _attention;
    private readonly FeedForward _feedForward;
    private readonly Norm _before;
    private readonly Norm _between;

    public DecoderLayer(DecoderConfig config, int layer, Rotary rotary, Dropout dropout, Placement place)
        : base(nameof(DecoderLayer))
    {
        (_parallel, _dropout) = (config.ParallelResidual, dropout);
        _attention = Named(config.Names.Attention, new Attention(config, layer, rotary, dropout, place));
        _feedForward = Named("mlp", new FeedForward(config, place));
        _before = Named("input_layernorm", new Norm(config, place));
        _between = Named("post_attention_layernorm", new Norm(config, place));
    }

    public Tensor Step(Tensor x, int layer, Pass pass)
    {
        var attended = _dropout.Apply(_attention.Attend(_before.call(x), layer, pass), training);
        if (_parallel) return _dropout.Apply(_feedForward.call(_between.call(x)), training).add(attended).add(x);
        x = x.add(attended);
        return x.add(_dropout.Apply(_feedForward.call(_between.call(x)), training));
    }
}

/// <summary>Embedding, layers and the final norm.</summary>
internal sealed class DecoderBody : Part
{
    private readonly Dropout _dropout;
    private readonly Embedding _embedding;
    private readonly ModuleList<DecoderLayer> _layers;
    private readonly Norm _norm;
    private readonly double? _scale;

    public DecoderBody(DecoderConfig config, Rotary rotary, Dropout dropout, Placement place)
        : base(nameof(DecoderBody))
    {
        _dropout = dropout;
        // From zeros: random numbers nobody uses would take long, and take them from the process' generator.
        using var zeros = place.Zeros(config.VocabularySize, config.HiddenSize);
        _embedding = Named(config.Names.Embedding, Embedding_from_pretrained(zeros, freeze: false));
        _layers = Named("layers", ModuleList(Enumerable.Range(0, config.Layers).Select(i => new DecoderLayer(config, i, rotary, dropout, place)).ToArray()));
        _norm = Named(config.Names.FinalNorm, new Norm(config, place));
        if (!config.ScalesEmbedding) return;
        // transformers rounds the factor to the type of the embeddings.
        using var root = tensor(Math.Sqrt(config.HiddenSize)).to_type(place.Type).to_type(ScalarType.Float64);
        _scale = root.item<double>();
    }

    /// <summary>How to take a layer in training; null for keeping all it works out until the backward pass.</summary>
    public Func<Func<Tensor, Tensor>, Tensor, Tensor>? Recompute { get; set; }

    public Tensor EmbeddingWeight => _embedding.weight!;

    /// <summary>The final norm of what an inner layer gives.</summary>
    public Tensor Normed(Tensor state) => _norm.call(state);

    /// <summary>Outputs of the embedding and of every layer, the last after the final norm.</summary>
    public IEnumerable<Tensor> States(Tensor ids, Pass pass)
    {
        var x = _embedding.call(ids); // (B, T, D)
        if (_scale is { } scale) x = x.mul(scale);
        x = _dropout.Apply(x, training);
        for (var i = 0; i < _layers.Count; i++)
        {
            yield return x;
            var (layer, number) = (_layers[i], i);
            x = Recompute is not null && training && is_grad_enabled() ? Recompute(Step, x) : Step(x);

            // What the backward pass needs the graph holds; the rest need not wait for the end of the pass.
            Tensor Step(Tensor input)
            {
                using var scope = NewDisposeScope();
                return layer.Step(input, number, pass).MoveToOuterDisposeScope();
            }
        }

        yield return Normed(x);
    }
}
