using XInstruct.Domain.Statistics;
using XInstruct.Training.Clustering;

namespace XInstruct.Training.Tests.Clustering;

public sealed class PrincipalComponentsTests
{
    [Fact]
    public void Fit_TwoPointsOfThreeColumns_IsTheLineBetweenThem()
    {
        var pca = PrincipalComponents.Fit([[1, 2, 3], [3, 2, 7]], 1);
        pca.Mean.ShouldBe([2, 2, 5], 1e-12);
        // (2, 0, 4) has length √20.
        pca.Components[0].ShouldBe([1 / Math.Sqrt(5), 0, 2 / Math.Sqrt(5)], 1e-12);
        pca.ExplainedVariance[0].ShouldBe(10, 1e-9);
        pca.ExplainedVarianceRatio[0].ShouldBe(1, 1e-9);
        pca.Transform([[1, 2, 3]])[0][0].ShouldBe(-Math.Sqrt(5), 1e-12);
    }

    [Fact]
    public void Fit_FewerPointsThanColumns_IsTheSameAsOfTheCovariance()
    {
        var random = new DeterministicRandom(7);
        double[][] points = [.. Enumerable.Range(0, 9).Select(_ => Enumerable.Range(0, 12).Select(j => (j + 1) * (random.NextDouble() - 0.5)).ToArray())];
        var wide = PrincipalComponents.Fit(points, 3);
        // Each point twice: more points than columns, so the covariance is taken; its directions are the same.
        var tall = PrincipalComponents.Fit([.. points, .. points], 3);
        for (var c = 0; c < 3; c++)
        {
            wide.Components[c].ShouldBe(tall.Components[c], 1e-9);
            wide.ExplainedVarianceRatio[c].ShouldBe(tall.ExplainedVarianceRatio[c], 1e-9);
            wide.ExplainedVariance[c].ShouldBe(tall.ExplainedVariance[c] * 17 / 16, 1e-9);
            wide.Components[c].Sum(x => x * x).ShouldBe(1, 1e-9);
            for (var d = 0; d < c; d++) wide.Components[c].Zip(wide.Components[d], (a, b) => a * b).Sum().ShouldBe(0, 1e-9);
        }
    }

    [Fact]
    public void Fit_PointsOnALine_HasASecondUnitComponentWithoutVariance()
    {
        var pca = PrincipalComponents.Fit([[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [2, 2, 2, 2, 2], [5, 5, 5, 5, 5]], 2);
        pca.ExplainedVarianceRatio.ShouldBe([1, 0], 1e-9);
        pca.Components[1].Sum(x => x * x).ShouldBe(1, 1e-9);
        pca.Components[0].Zip(pca.Components[1], (a, b) => a * b).Sum().ShouldBe(0, 1e-9);
    }
}
