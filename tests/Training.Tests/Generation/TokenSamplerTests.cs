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

    [Fact]
    public void Filter_ManyRows_GivesWhatSortingAllGives()
    {
        var random = new DeterministicRandom(5);
        for (var round = 0; round < 600; round++)
        {
            var size = 2 + random.Next(400);
            // Some rows have ties, some a few tokens far above all others, some forbidden ones.
            var width = round % 3 == 0 ? 3.0 : 30;
            float[] logits = [.. Enumerable.Range(0, size).Select(_ => random.Next(20) == 0 ? float.NegativeInfinity : (float)(round % 2 == 0 ? random.Next((int)width) : random.NextDouble() * width))];
            logits[random.Next(size)] = round % 5 == 0 ? 90 : 1;
            var (count, share) = (1 + random.Next(size), random.NextDouble());
            float[] top = [.. logits], nucleus = [.. logits];
            TokenSampler.Filter(top, [], new SamplingOptions { TopK = count });
            TokenSampler.Filter(nucleus, [], new SamplingOptions { TopP = share });

            var lowest = logits.OrderDescending().ElementAt(count - 1);
            top.ShouldBe(logits.Select(logit => logit < lowest ? float.NegativeInfinity : logit));
            var max = logits.Max();
            var total = logits.Sum(logit => Math.Exp(logit - max));
            var (kept, above, isClose) = (new HashSet<int>(), 0.0, false);
            foreach (var i in Enumerable.Range(0, size).Where(i => !float.IsNegativeInfinity(logits[i])).OrderByDescending(i => logits[i]).ThenBy(i => i))
            {
                // Rounding may decide.
                isClose |= kept.Count > 0 && Math.Abs(above - (share * total)) < 1e-9 * total;
                if (kept.Count == 0 || above < share * total) kept.Add(i);
                above += Math.Exp(logits[i] - max);
            }

            if (!isClose) Enumerable.Range(0, size).Where(i => !float.IsNegativeInfinity(nucleus[i])).ShouldBe(kept, ignoreOrder: true);
        }
    }

    public static TheoryData<SamplingOptions> Filters =>
    [
        new() { Temperature = 0.7, TopK = 40 }, new() { Temperature = 1.3, TopP = 0.9 }, new() { Temperature = 1, MinP = 0.05 }, new() { Temperature = 0.2, TopK = 50, TopP = 0.5, MinP = 0.1 },
        new() { Temperature = 30, TopP = 0.99 }, new() { Temperature = 1, TopK = 900 }, new() { Temperature = 2 }, new() { Temperature = 1, TopP = 0.9, NoRepeatNgram = 2 }, new(),
    ];

    [Theory]
    [MemberData(nameof(Filters))]
    public void Candidates_AnyFilters_GiveTheTokensOfWholeRows(SamplingOptions sampling)
    {
        using var model = TestModels.Tiny(vocabulary: 2000);
        EngineRequest[] requests = [.. Enumerable.Range(0, 12).Select(i => new EngineRequest([4 + i, 5]) { MaxNewTokens = 25, Seed = (ulong)i, Sampling = sampling, TopLogProbabilities = i % 4 })];
        List<GenerationResult> Run(bool candidates)
        {
            var results = new List<GenerationResult>();
            GenerationWindow.Run(model, null, requests, new EngineOptions { UsesCandidates = candidates }, (_, result) => results.Add(result));
            return results;
        }

        var (rows, few) = (Run(false), Run(true));
        for (var i = 0; i < requests.Length; i++)
        {
            few[i].Error.ShouldBeNull();
            few[i].Tokens.Select(token => token.Id).ShouldBe(rows[i].Tokens.Select(token => token.Id));
            few[i].LogLikelihood.ShouldBe(rows[i].LogLikelihood, 1e-3);
            few[i].Tokens.SelectMany(token => token.Alternatives.Select(one => one.Id)).ShouldBe(rows[i].Tokens.SelectMany(token => token.Alternatives.Select(one => one.Id)));
        }
    }
}
