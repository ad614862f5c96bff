using TorchSharp;
using static TorchSharp.torch;

namespace XInstruct.Training.Scoring;

/// <summary>Token rows as one tensor, padded on the right with 0, which a causal model never sees.</summary>
internal static class PaddedRows
{
    /// <summary>(rows, length) int64; longer rows are cut.</summary>
    public static Tensor Tensor(IReadOnlyList<int[]> rows, int length, Device device)
    {
        var ids = new long[rows.Count * length];
        for (var i = 0; i < rows.Count; i++)
        {
            for (var t = 0; t < Math.Min(length, rows[i].Length); t++)
                ids[(i * length) + t] = rows[i][t];
        }
        return tensor(ids, [rows.Count, length], device: device);
    }
}
