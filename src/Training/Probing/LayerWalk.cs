using XInstruct.Training.Models;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;
using Decoder = XInstruct.Training.Models.Decoder;

namespace XInstruct.Training.Probing;

/// <summary>Goes through a model's layers with batches of prompts, and keeps one layer's output at a time.</summary>
internal static class LayerWalk
{
    /// <summary>Gives every batch's output of the embedding (layer 0) and of every layer, (B, T, D) with padding on the right; the last has the final norm.</summary>
    public static void Walk(Decoder model, IReadOnlyList<int[]> prompts, int batchTokens, int threads, Action<int[], int, Tensor> look, CancellationToken cancellation)
    {
        if (prompts.Any(prompt => prompt.Length == 0)) throw new ArgumentException("A prompt needs at least one token.", nameof(prompts));
        set_num_threads(threads);
        model.eval();
        using var noGrad = no_grad();
        foreach (var batch in LengthBatches.Of(prompts, prompt => prompt.Length, batchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var rows = batch.Select(i => prompts[i]).ToArray();
            var layer = 0;
            Tensor? before = null;
            foreach (var hidden in model.States(PaddedRows.Tensor(rows, rows.Max(row => row.Length), model.Device())))
            {
                before?.Dispose();
                before = hidden;
                using var inner = NewDisposeScope();
                look(batch, layer++, hidden);
            }
        }
    }

    /// <summary>Output at the last token of each row: (B, T, D) to (B, D).</summary>
    public static Tensor Last(Tensor hidden, IReadOnlyList<int> lengths) =>
        hidden.reshape(-1, hidden.shape[2]).index_select(0, tensor([.. lengths.Select((length, i) => (i * hidden.shape[1]) + length - 1)], device: hidden.device));
}
