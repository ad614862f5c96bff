using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Probing;

/// <summary>What the layers of a model make of whole texts.</summary>
public static class LayerMeans
{
    /// <summary>Mean of each layer's output over a prompt's tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts (at least one token).</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <returns>Of each layer, the embedding first, a vector for each prompt.</returns>
    public static float[][][] Of(Decoder model, IReadOnlyList<int[]> prompts, int batchTokens = 4096, int threads = 1, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        var means = Enumerable.Range(0, model.Config.Layers + 1).Select(_ => new float[prompts.Count][]).ToArray();
        LayerWalk.Walk(model, prompts, batchTokens, threads, (batch, layer, hidden) =>
        {
            for (var i = 0; i < batch.Length; i++)
                means[layer][batch[i]] = hidden[i].narrow(0, 0, prompts[batch[i]].Length).to_type(ScalarType.Float32).mean([0L]).cpu().data<float>().ToArray();
        }, cancellation);
        return means;
    }
}
