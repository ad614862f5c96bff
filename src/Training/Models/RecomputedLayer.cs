using static TorchSharp.torch;

namespace XInstruct.Training.Models;

/// <summary>
/// A layer whose inner values are not kept for the backward pass but worked out again there, with the same dropout masks. The parameters' gradients
/// are added where they belong by that second pass itself.
/// </summary>
internal sealed class RecomputedLayer : autograd.SingleTensorFunction<RecomputedLayer>
{
    private const string Layer = "layer";
    private const string Model = "model";
    private const string Masks = "masks";

    // A thread of the library's own has no dispose scope: what it was handed goes when the next is ready.
    [ThreadStatic]
    private static Tensor? s_handed;

    public override string Name => nameof(RecomputedLayer);

    /// <summary>The layer's output.</summary>
    public static Tensor Of(Func<Tensor, Tensor> layer, Tensor input, Decoder model)
    {
        // Below an adapter nothing asks for a gradient, and a step of the graph without one would not be taken back.
        var start = input.requires_grad ? input : input.detach().requires_grad_();
        return apply(start, layer, model);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (input, layer, model) = ((Tensor)vars[0], (Func<Tensor, Tensor>)vars[1], (Decoder)vars[2]);
        ctx.save_for_backward([input]);
        ctx.save_data(Layer, layer);
        ctx.save_data(Model, model);
        ctx.save_data(Masks, model.DropoutState);
        return layer(input);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var model = (Decoder)ctx.get_data(Model);
        var now = model.DropoutState;
        model.DropoutState = (ulong[])ctx.get_data(Masks);
        Tensor gradient;
        using (NewDisposeScope())
        using (enable_grad())
        {
            var input = ctx.get_saved_variables()[0].detach().requires_grad_();
            ((Func<Tensor, Tensor>)ctx.get_data(Layer))(input).backward([grad_output]);
            gradient = input.grad!.DetachFromDisposeScope();
        }

        model.DropoutState = now;
        grad_output.Dispose();
        s_handed?.Dispose();
        s_handed = gradient;
        return [gradient, null!, null!];
    }
}
