using XInstruct.Training.Models;
using XInstruct.Training.Scoring;
using XInstruct.Training.Tuning;
using static TorchSharp.torch;

namespace XInstruct.Training.Embeddings;

/// <summary>Sentence vectors from a decoder: the mean of the last hidden states (after the final norm) over a text's tokens.</summary>
public static class TextEmbedder
{
    /// <summary>One vector a text, in the order given; each has the model's width.</summary>
    /// <param name="model">The model.</param>
    /// <param name="texts">Token ids, at least one a text.</param>
    /// <param name="normalize">Whether each vector is scaled to L2 norm 1.</param>
    /// <param name="batchTokens">Rows times longest row of a batch, at most; batches depend on the list alone.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="ArgumentException">A text has no token.</exception>
    public static IReadOnlyList<float[]> Embed(
        Decoder model,
        IReadOnlyList<int[]> texts,
        bool normalize = true,
        int batchTokens = 4096,
        int threads = 1,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        if (texts.Any(text => text.Length == 0))
            throw new ArgumentException("A text needs at least one token.", nameof(texts));
        set_num_threads(threads);
        model.eval();
        using var noGrad = no_grad();
        var results = new float[texts.Count][];
        foreach (var batch in LengthBatches.Of(texts, text => text.Length, batchTokens))
        {
            cancellation.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var rows = batch.Select(index => texts[index]).ToArray();
            var length = rows.Max(row => row.Length);
            var device = model.Device();
            var share = new float[rows.Length * length];
            for (var i = 0; i < rows.Length; i++)
                share.AsSpan(i * length, rows[i].Length).Fill(1f / rows[i].Length);
            var hidden = model.Hidden(PaddedRows.Tensor(rows, length, device)).to_type(ScalarType.Float32); // (B, T, D)
            var mean = (hidden * tensor(share, [rows.Length, length, 1], device: device)).sum(1); // (B, D)
            var values = mean.cpu().data<float>().ToArray();
            var width = values.Length / rows.Length;
            for (var i = 0; i < batch.Length; i++)
                results[batch[i]] = Finish(values.AsSpan(i * width, width), normalize);
        }
        return results;
    }

    private static float[] Finish(ReadOnlySpan<float> vector, bool normalize)
    {
        var result = vector.ToArray();
        if (!normalize)
            return result;
        var norm = Math.Sqrt(result.Sum(value => (double)value * value));
        for (var i = 0; norm > 0 && i < result.Length; i++)
            result[i] = (float)(result[i] / norm);
        return result;
    }
}
