using System.Runtime.InteropServices;
using XInstruct.Training.Clustering;
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
    private const int Block = 2048;

    /// <summary>
    /// Goes through vectors of length 1 in order and keeps each that is nearer to none of those kept before than a cosine; the others are told, each with the kept one it is
    /// nearest to (of equally near ones the first). Exact: n vectors of d numbers take up to n² · d / 2 multiplications, as products of blocks. Memory holds two blocks and four
    /// bytes a vector; earlier blocks are read again.
    /// </summary>
    /// <param name="vectors">The vectors.</param>
    /// <param name="threshold">Cosine from which a vector is a repeat.</param>
    /// <param name="threads">Threads of the tensor library.</param>
    /// <param name="cancellation">Stops between two blocks.</param>
    public static IReadOnlyList<NearVector> Repeats(PointSource<float> vectors, double threshold, int threads, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(vectors);
        set_num_threads(threads);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var (repeats, kept) = (new List<NearVector>(), new List<int>());
        var (mine, earlier) = (empty([Block, vectors.Width]), empty([Block, vectors.Width]));
        for (var start = 0; start < vectors.Count; start += Block)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(Block, vectors.Count - start);
            var (best, of) = (new float[count], new int[count]);
            Array.Fill(best, float.NegativeInfinity);
            var block = Read(vectors, start, count, mine);
            var before = new SelectedPoints<float>(vectors, kept);
            for (var at = 0; at < before.Count; at += Block)
            {
                cancellation.ThrowIfCancellationRequested();
                using var pair = NewDisposeScope();
                var (cosines, nearest) = block.matmul(Read(before, at, Math.Min(Block, before.Count - at), earlier).t()).max(1); // (B)
                var (values, places) = (cosines.data<float>().ToArray(), nearest.data<long>().ToArray());
                for (var i = 0; i < count; i++)
                {
                    if (values[i] > best[i]) (best[i], of[i]) = (values[i], kept[at + (int)places[i]]);
                }
            }

            KeepAmong(block, start, threshold, best, of, kept, repeats);
        }

        return repeats;
    }

    /// <summary>Decides of the vectors of a block one after the other.</summary>
    private static void KeepAmong(Tensor block, int start, double threshold, float[] best, int[] of, List<int> kept, List<NearVector> repeats)
    {
        var among = block.matmul(block.t()).contiguous().data<float>().ToArray(); // (B, B)
        var mine = new List<int>(best.Length);
        for (var i = 0; i < best.Length; i++)
        {
            foreach (var j in mine)
            {
                if (among[(i * best.Length) + j] > best[i]) (best[i], of[i]) = (among[(i * best.Length) + j], start + j);
            }

            if (best[i] >= threshold) repeats.Add(new NearVector(start + i, of[i], best[i]));
            else mine.Add(i);
        }

        kept.AddRange(mine.Select(i => start + i));
    }

    private static Tensor Read(PointSource<float> vectors, int first, int count, Tensor into)
    {
        var rows = into.narrow(0, 0, count);
        vectors.Read(first, MemoryMarshal.Cast<byte, float>(rows.bytes));
        return rows;
    }
}
