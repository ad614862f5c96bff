using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>What every layer of one pass shares.</summary>
/// <param name="Cos">Cosines of the positions.</param>
/// <param name="Sin">Sines of the positions.</param>
/// <param name="Mask">What is added to the scores; null when every earlier token may be seen and there is one new.</param>
/// <param name="WindowMask">The same for layers with a sliding window.</param>
/// <param name="Append">Takes a layer's new keys and values into a cache and gives all that the layer looks at; null without a cache.</param>
internal readonly record struct Pass(Tensor Cos, Tensor Sin, Tensor? Mask, Tensor? WindowMask, Func<int, Tensor, Tensor, (Tensor Keys, Tensor Values)>? Append);

/// <summary>Causal self-attention with grouped keys and values.</summary>
internal sealed class Attention : Part
{
    private readonly DecoderConfig _config;
    private readonly Rotary _rotary;
    private readonly Dropout _dropout;
    private readonly bool _windowed;
    private readonly Projection? _fused;
    private readonly Projection? _query;
    private readonly Projection? _key;
    private readonly Projection? _value;
    private readonly Projection _output;

    public Attention(DecoderConfig config, int layer, Rotary rotary, Dropout dropout, Placement place)
        : base(nameof(Attention))
    {
        (_config, _rotary, _dropout) = (config, rotary, dropout);
        _windowed = config.SlidingWindow is not null && layer >= config.WindowFromLayer;
        var (size, bias) = ((long)config.HeadSize, config.QueryKeyValueBias);
        if (config.Names.Fused is { } fused)
        {
            _fused = Named(fused, new Projection(config.HiddenSize, 3 * config.Heads * size, bias, place));
        }
        else
        {
            _query = Named("q_proj", new Projection(config.HiddenSize, config.Heads * size, bias, place));
            _key = Named("k_proj", new Projection(config.HiddenSize, config.KeyValueHeads * size, bias, place));
            _value = Named("v_proj", new Projection(config.HiddenSize, config.KeyValueHeads * size, bias, place));
        }

        _output = Named(config.Names.Output, new Projection(config.Heads * size, config.HiddenSize, config.OutputBias, place));
    }

    public Tensor Attend(Tensor input, int layer, Pass pass)
    {
        var (batch, length) = (input.shape[0], input.shape[1]);
        var (query, key, value) = Split(input, batch, length); // (B, H, T, D)
        query = _rotary.Apply(query, pass.Cos, pass.Sin);
        key = _rotary.Apply(key, pass.Cos, pass.Sin);
        if (pass.Append is not null) (key, value) = pass.Append(layer, key, value);
        var (heads, shared, size) = (_config.Heads, _config.KeyValueHeads, _config.HeadSize);
        // Heads that share keys and values are lines of one product: nothing is repeated.
        if (heads > shared) query = query.reshape(batch, shared, heads / shared * length, size);
        var scores = (query.matmul(key.transpose(2, 3)) * (1 / Math.Sqrt(size))).view(batch, heads, length, -1); // (B, H, T, S)
        if ((_windowed ? pass.WindowMask : pass.Mask) is { } mask) scores = scores.add(mask);
        var weights = scores.To32().softmax(-1).To(value.dtype);
        weights = _dropout.Apply(weights, training);
        if (heads > shared) weights = weights.reshape(batch, shared, heads / shared * length, -1);
        return _output.call(weights.matmul(value).view(batch, heads, length, size).transpose(1, 2).reshape(batch, length, (long)heads * size));
    }

    private (Tensor Query, Tensor Key, Tensor Value) Split(Tensor input, long batch, long length)
    {
        if (_fused is null) return (Heads(_query!.call(input), _config.Heads), Heads(_key!.call(input), _config.KeyValueHeads), Heads(_value!.call(input), _config.KeyValueHeads));
        // Each head's query, key and value lie side by side.
        var size = _config.HeadSize;
        var all = _fused.call(input).view(batch, length, _config.Heads, 3L * size).transpose(1, 2); // (B, H, T, 3·D)
        return (all.narrow(3, 0, size), all.narrow(3, size, size), all.narrow(3, 2L * size, size));

        Tensor Heads(Tensor x, int heads) => x.view(batch, length, heads, _config.HeadSize).transpose(1, 2);
    }
}
