using XInstruct.Domain.Statistics;
using XInstruct.Training.Checkpoints;
using XInstruct.Training.Quantization;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>A decoder of one of the families, whose parameters carry the names of Hugging Face checkpoints.</summary>
public sealed class Decoder : Module<Tensor, Tensor>
{
    /// <summary>Added to scores that must not count: low enough to vanish in a softmax, finite so that a row of padding stays a number.</summary>
    internal const float Masked = -1e9f;
    private readonly Rotary _rotary;
    private readonly Dropout _dropout;
    private Dropout? _adapterDropout;
    private readonly DecoderBody _body;
    private readonly Projection? _head;

    /// <summary>A decoder with all matrices zero; weights come from a checkpoint or <see cref="Random"/>.</summary>
    /// <param name="config">Shape.</param>
    /// <param name="dropout">Dropout in training, after embedding, attention and feed-forward and on attention weights.</param>
    /// <param name="device">Where the weights lie; null for the CPU.</param>
    /// <param name="type">Float32, BFloat16 or Float16: the type of the weights, and what is worked out in.</param>
    /// <param name="quantization">How the layers' matrices are held as codes, which only a checkpoint gives; null when they are not.</param>
    public Decoder(DecoderConfig config, double dropout = 0, Device? device = null, ScalarType type = ScalarType.Float32, QuantizationOptions? quantization = null)
        : base(nameof(Decoder))
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config;
        _rotary = new Rotary(config);
        _dropout = new Dropout(dropout);
        var place = new Placement(device ?? CPU, type, quantization);
        _body = new DecoderBody(config, _rotary, _dropout, place);
        register_module(config.Names.Body, _body);
        if (config.TiesEmbeddings) return;
        _head = new Projection(config.HiddenSize, config.VocabularySize, bias: false, place with { Quantization = null });
        register_module(config.Names.Head, _head);
    }

    /// <summary>Shape of the model.</summary>
    public DecoderConfig Config { get; }

    /// <summary>Whether the layers' matrices are held as codes.</summary>
    public bool IsQuantized => modules().OfType<Projection>().Any(layer => layer.Quantization is not null);

    /// <summary>
    /// Whether training keeps only each layer's input and works the layer out again in the backward pass (Chen et al. 2016): the same bits in much
    /// less memory, for about a third more time.
    /// </summary>
    public bool RecomputesLayers
    {
        get => _body.Recompute is not null;
        set => _body.Recompute = value ? (layer, input) => RecomputedLayer.Of(layer, input, this) : null;
    }

    /// <summary>The type that the model computes in.</summary>
    public ScalarType Type => _body.EmbeddingWeight.dtype;

    /// <summary>The JSON files that the model was loaded with; null when it was made here.</summary>
    internal CheckpointTexts? Texts { get; init; }

    /// <summary>A decoder with normal random matrices of standard deviation <see cref="DecoderConfig.InitStd"/>.</summary>
    public static Decoder Random(DecoderConfig config, ulong seed, double dropout = 0)
    {
        var decoder = new Decoder(config, dropout);
        using var noGrad = no_grad();
        var random = new DeterministicRandom(seed, 0x1A);
        foreach (var (_, parameter) in decoder.named_parameters().OrderBy(p => p.name, StringComparer.Ordinal))
        {
            if (parameter.dim() < 2) continue;
            using var values = tensor(Normal(random, parameter.numel(), config.InitStd), parameter.shape);
            parameter.copy_(values);
        }

        return decoder;
    }

    /// <summary>Logits of every position: (B, T) ids to (B, T, V).</summary>
    public override Tensor forward(Tensor input) => Logits(Hidden(input));

    /// <summary>Hidden states after the final norm: (B, T, D).</summary>
    /// <param name="inputIds">(B, T) int64.</param>
    /// <param name="attentionMask">(B, S) int64, 0 for padding, over cached and new tokens; null when every earlier token may be seen.</param>
    /// <param name="positions">(B, T) int64; null for consecutive ones.</param>
    /// <param name="cache">Keys and values so far; grows by the new tokens.</param>
    /// <param name="segments">(B, T) int64: tokens see those of their own number only; null when a row is one text. Not with a cache.</param>
    public Tensor Hidden(Tensor inputIds, Tensor? attentionMask = null, Tensor? positions = null, KeyValueCache? cache = null, Tensor? segments = null)
    {
        Tensor? last = null;
        var pass = Start(inputIds, attentionMask, positions, cache);
        foreach (var state in _body.States(inputIds, segments is null ? pass : Apart(pass, segments))) last = state;
        cache?.Advance(inputIds.shape[1]);
        return last!;
    }

    /// <summary>Output of the embedding and of every layer, the last after the final norm, as Hugging Face returns them.</summary>
    public IReadOnlyList<Tensor> HiddenStates(Tensor inputIds, Tensor? attentionMask = null, Tensor? positions = null) =>
        [.. _body.States(inputIds, Start(inputIds, attentionMask, positions, null))];

    /// <summary>The same one by one, so that those before need not be kept; each is the caller's.</summary>
    internal IEnumerable<Tensor> States(Tensor inputIds) => _body.States(inputIds, Start(inputIds, null, null, null));

    /// <summary>The final norm of an inner layer's output, which with <see cref="Logits"/> shows what it would say as the last one (logit lens). The last layer's has it.</summary>
    internal Tensor Normed(Tensor hidden) => _body.Normed(hidden);

    /// <summary>Logits of hidden states: (…, D) to (…, V).</summary>
    public Tensor Logits(Tensor hidden) => _head is null ? functional.linear(hidden, _body.EmbeddingWeight) : _head.call(hidden);

    /// <summary>Starts the sequence of dropout masks; with the batches it decides what training gives.</summary>
    public void SeedDropout(ulong seed)
    {
        _dropout.Seed(seed);
        _adapterDropout?.Seed(seed + 1);
    }

    /// <summary>Where the sequences of dropout masks are, the model's own and the adapter's.</summary>
    internal ulong[] DropoutState
    {
        get => [.. Numbers(_dropout), .. _adapterDropout is { } adapter ? Numbers(adapter) : []];
        set
        {
            _dropout.State = (value[0], value[1], value[2], value[3]);
            if (_adapterDropout is not null) _adapterDropout.State = (value[4], value[5], value[6], value[7]);
        }
    }

    /// <summary>Dropout of an adapter's inputs, seeded with the model's own.</summary>
    internal Dropout AdapterDropout(double share) => _adapterDropout = new Dropout(share);

    /// <inheritdoc/>
    protected override void RegisterComponents()
    {
        // Done in the constructor, under the family's names.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _rotary.Dispose();
        base.Dispose(disposing);
    }

    private static ulong[] Numbers(Dropout dropout) => dropout.State is var (a, b, c, d) ? [a, b, c, d] : [];

    private static Pass Apart(Pass pass, Tensor segments)
    {
        var others = segments.unsqueeze(1).ne(segments.unsqueeze(2)).to_type(ScalarType.Float32).mul(Masked).unsqueeze(1); // (B, 1, T, T)
        return pass with { Mask = pass.Mask?.add(others), WindowMask = ReferenceEquals(pass.Mask, pass.WindowMask) ? pass.Mask?.add(others) : pass.WindowMask?.add(others) };
    }

    // Box and Muller 1958.
    private static float[] Normal(DeterministicRandom random, long count, double deviation)
    {
        var values = new float[count];
        for (var i = 0L; i < count; i += 2)
        {
            var radius = deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            var angle = 2 * Math.PI * random.NextDouble();
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < count) values[i + 1] = (float)(radius * Math.Sin(angle));
        }

        return values;
    }

    /// <summary>Hidden states after the final norm of rows in a cache of slots: (B, T, D). The tokens' keys and values are in the cache then.</summary>
    internal Tensor Hidden(SlotPass rows)
    {
        Tensor? last = null;
        foreach (var state in _body.States(rows.Ids, rows.Start(Config, _rotary, _body.EmbeddingWeight.dtype))) last = state;
        return last!;
    }

    private Pass Start(Tensor ids, Tensor? attentionMask, Tensor? positions, KeyValueCache? cache)
    {
        var (length, before) = (ids.shape[1], cache?.Length ?? 0);
        var device = ids.device;
        var (cos, sin) = _rotary.At(positions, before, length, before + length, device, _body.EmbeddingWeight.dtype);
        var padding = attentionMask is null ? null : (1 - attentionMask.to_type(ScalarType.Float32)).mul(Masked).unsqueeze(1).unsqueeze(1); // (B, 1, 1, S)
        Tensor? mask = length > 1 ? full([length, before + length], Masked, ScalarType.Float32, device).triu(before + 1) : null; // (T, S)
        // A token further back than the window is as unseen as a later one.
        var window = Config.SlidingWindow is { } size && before + length > size
            ? Sum(mask, full([length, before + length], Masked, ScalarType.Float32, device).tril(before - size))
            : mask;
        var seen = Sum(mask, padding);
        return new Pass(cos, sin, seen, ReferenceEquals(window, mask) ? seen : Sum(window, padding), cache is null ? null : (layer, keys, values) => cache.Append(layer, keys, values, before));

        static Tensor? Sum(Tensor? a, Tensor? b) => a is null ? b : b is null ? a : a.add(b);
    }
}
