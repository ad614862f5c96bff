using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace XInstruct.Training.Models;

/// <summary>Two matrices with a function between them, or three with a gate (Shazeer 2020).</summary>
internal sealed class FeedForward : Part
{
    private readonly Activation _activation;
    private readonly Projection? _gate;
    private readonly Projection _up;
    private readonly Projection _down;

    public FeedForward(DecoderConfig config, Placement place)
        : base(nameof(FeedForward))
    {
        _activation = config.Activation;
        var (names, bias) = (config.Names, config.FeedForwardBias);
        if (names.Gate is not null) _gate = Named(names.Gate, new Projection(config.HiddenSize, config.IntermediateSize, bias, place));
        _up = Named(names.Up, new Projection(config.HiddenSize, config.IntermediateSize, bias, place));
        _down = Named(names.Down, new Projection(config.IntermediateSize, config.HiddenSize, bias, place));
    }

    public override Tensor forward(Tensor input) =>
        _down.call(_gate is null ? Activate(_up.call(input)) : Activate(_gate.call(input)) * _up.call(input));

    private Tensor Activate(Tensor x) => _activation switch
    {
        Activation.Silu => functional.silu(x),
        Activation.Gelu => functional.gelu(x),
        Activation.Relu => functional.relu(x),
        _ => x * 0.5 * (((x + (x.pow(3) * 0.044715)) * Math.Sqrt(2 / Math.PI)).tanh() + 1),
    };
}
