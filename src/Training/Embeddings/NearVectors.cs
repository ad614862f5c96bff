using static TorchSharp.torch;

namespace XInstruct.Training.Embeddings;

/// <summary>A vector that is near an earlier one.</summary>
/// <param name="Item">Its number.</param>
/// <param name="Of">Number of the earlier one that it is nearest to.</param>
/// <param name="Cosine">How near.</param>
public readonly record struct NearVector(int Item, int Of, double Cosine);

/// <summary>Near-duplicates among vectors.</summary>
public static class NearVectors
{
    private const int Block = 512;

    /// <summary>
    /// Goes through vectors of length 1 in order and keeps each that is nearer to none of those kept before than a cosine; the others are told, each with the kept one it is
    /// nearest to (of equally near ones the first). Compares by blocks, a matrix product each.
    /// </summary>
    /// <param name="vectors">All of one width.</param>
    /// <param name="threshold">Cosine from which a vector is a repeat.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two blocks.</param>
    public static IReadOnlyList<NearVector> Repeats(IReadOnlyList<float[]> vectors, double threshold, int threads, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        set_num_threads(threads);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (repeats, kept) = (new List<NearVector>(), new List<(Tensor Vectors, int[] Items)>());
        for (var start = 0; start < vectors.Count; start += Block)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = Math.Min(Block, vectors.Count - start);
            var (best, of) = (new float[count], new int[count]);
            Array.Fill(best, float.NegativeInfinity);
            var mine = new List<int>(count);
            using (NewDisposeScope())
            {
                var block = Matrix(vectors, Enumerable.Range(start, count));
                foreach (var (earlier, items) in kept) Compare(block.matmul(earlier.t()).contiguous(), items, best, of);
                var among = block.matmul(block.t()).contiguous().data<float>().ToArray(); // (B, B)
                for (var i = 0; i < count; i++)
                {
                    foreach (var j in mine)
                    {
                        if (among[(i * count) + j] > best[i]) (best[i], of[i]) = (among[(i * count) + j], start + j);
                    }

                    if (best[i] >= threshold) repeats.Add(new NearVector(start + i, of[i], best[i]));
                    else mine.Add(i);
                }
            }

            if (mine.Count > 0) kept.Add((Matrix(vectors, mine.Select(i => start + i)), [.. mine.Select(i => start + i)]));
        }

        return repeats;
    }

    private static void Compare(Tensor cosines, int[] items, float[] best, int[] of)
    {
        var values = cosines.data<float>().ToArray(); // (B, K)
        for (var i = 0; i < best.Length; i++)
        {
            var row = values.AsSpan(i * items.Length, items.Length);
            for (var k = 0; k < row.Length; k++)
            {
                if (row[k] > best[i]) (best[i], of[i]) = (row[k], items[k]);
            }
        }
    }

    private static Tensor Matrix(IReadOnlyList<float[]> vectors, IEnumerable<int> items)
    {
        var rows = items.Select(item => vectors[item]).ToArray();
        var values = new float[rows.Length * rows[0].Length];
        for (var i = 0; i < rows.Length; i++) rows[i].CopyTo(values, i * rows[0].Length);
        return tensor(values, [rows.Length, rows[0].Length]);
    }
}
