using XInstruct.Domain.Statistics;
using XInstruct.Training.Generation;

namespace XInstruct.Training.Tests.Generation;

public sealed class TokenSamplerTests
{
    [Fact]
    public void Draw_ManyTimes_FollowsTheSoftmax()
    {
        float[] logits = [MathF.Log(0.5f), float.NegativeInfinity, MathF.Log(0.3f), MathF.Log(0.2f)];
        var random = new DeterministicRandom(11);
        var counts = new int[4];
        for (var i = 0; i < 20_000; i++)
            counts[TokenSampler.Draw(logits, random)]++;
        counts[1].ShouldBe(0);
        ((double)counts[0]).ShouldBe(10_000, 360);
        ((double)counts[2]).ShouldBe(6_000, 330);
    }

    [Fact]
    public void Greedy_EqualLogits_TakesTheFirst() => TokenSampler.Greedy([1, 3, 3, 2]).ShouldBe(1);

    [Fact]
    public void LogProbability_TwoTokens_IsTheLogistic()
        => TokenSampler.LogProbability([2f, 0f], 0).ShouldBe(-Math.Log(1 + Math.Exp(-2)), 1e-12);
}
