namespace XInstruct.Training.Quantization;

/// <summary>The values that codes stand for, as shares of a block's largest absolute value.</summary>
internal static class CodeTable
{
    /// <summary>The values of NF4 (QLoRA, Dettmers et al. 2023, appendix E).</summary>
    public static float[] Nf4 { get; } =
    [
        -1f, -0.696192801f, -0.525073051f, -0.394917488f, -0.284441382f, -0.18477343f, -0.0910500363f, 0f,
        0.0795802996f, 0.160930201f, 0.246112302f, 0.337915242f, 0.440709829f, 0.562617004f, 0.722956836f, 1f,
    ];

    /// <summary>The values of FP4 in the order of their bits, as bitsandbytes scales them.</summary>
    public static float[] Fp4 { get; } =
    [
        0f, 0.00520000001f, 0.666700006f, 1f, 0.333299994f, 0.5f, 0.166700006f, 0.25f,
        0f, -0.00520000001f, -0.666700006f, -1f, -0.333299994f, -0.5f, -0.166700006f, -0.25f,
    ];

    /// <summary>The 256 values of the signed dynamic map: for each of 7 powers of ten the middles of 2^i equal steps from 0.1 to 1, both signs, with 0 and 1.</summary>
    public static float[] Dynamic8 { get; } = Dynamic();

    private static float[] Dynamic()
    {
        const int powers = 7;
        var values = new List<float> { 0, 1 };
        for (var i = 0; i < powers; i++)
        {
            var steps = 1 << i;
            var scale = Math.Pow(10, i - powers + 1);
            for (var j = 0; j < steps; j++)
            {
                var middle = (float)(scale * (0.1 + (0.9 * (j + 0.5) / steps)));
                values.AddRange([middle, -middle]);
            }
        }

        return [.. values.Order()];
    }
}
