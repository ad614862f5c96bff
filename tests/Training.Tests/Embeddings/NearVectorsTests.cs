using XInstruct.Training.Clustering;
using XInstruct.Training.Embeddings;

namespace XInstruct.Training.Tests.Embeddings;

public sealed class NearVectorsTests
{
    [Theory]
    [InlineData(0, 0.9)]
    [InlineData(40, 0.9)]
    [InlineData(1300, 0.9)]
    [InlineData(700, 0.5)]
    [InlineData(4500, 0.97)]
    public void Repeats_OfManyVectors_AreThoseOfComparingEachWithAllKept(int count, double threshold)
    {
        var random = new Random(count);
        var vectors = Enumerable.Range(0, count).Select(_ => Unit([random.NextDouble() - 0.5, random.NextDouble() - 0.5, random.NextDouble() - 0.5, random.NextDouble() - 0.5, random.NextDouble() - 0.5])).ToList();
        var (kept, expected) = (new List<int>(), new List<(int Item, int Of)>());
        for (var i = 0; i < count; i++)
        {
            var nearest = kept.Count == 0 ? -1 : kept.MaxBy(k => Cosine(vectors[k], vectors[i]));
            if (nearest >= 0 && Cosine(vectors[nearest], vectors[i]) >= threshold) expected.Add((i, nearest));
            else kept.Add(i);
        }

        var repeats = NearVectors.Repeats(new PointArray<float>([.. vectors.SelectMany(vector => vector)], 5), threshold, 1);
        repeats.Select(r => (r.Item, r.Of)).ShouldBe(expected);
        repeats.ShouldAllBe(r => Math.Abs(r.Cosine - Cosine(vectors[r.Item], vectors[r.Of])) < 1e-5);
        if (count > 600) (expected.Count > 100, kept.Count > 10, expected.Any(e => e.Item - e.Of > 512)).ShouldBe((true, true, true));
        // Kept ones of blocks that were read again.
        if (count > 4096) (kept[^1] > 4096, expected.Any(e => e.Item > 4096 && e.Of < 2048), expected.Any(e => e.Item > 4096 && e.Of > 2048)).ShouldBe((true, true, true));
    }

    private static float[] Unit(double[] values)
    {
        var norm = Math.Sqrt(values.Sum(v => v * v));
        return [.. values.Select(v => (float)(v / norm))];
    }

    private static double Cosine(float[] a, float[] b) => Enumerable.Range(0, a.Length).Sum(i => (double)a[i] * b[i]);
}
